"""The commands of ``keepwell``, one module each. Heavy imports wait until a command runs."""
