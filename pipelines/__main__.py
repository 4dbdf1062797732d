"""``python -m pipelines`` is ``keepwell``."""

from pipelines.cli import main

main()
