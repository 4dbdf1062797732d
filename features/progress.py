"""How long work tells what it is doing: a function that takes one line per step."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]


class Step(str):
    """A line that also tells how much of its task is done, for those who can show it.

    Parameters
    ----------
    task : str
        What is being done as a whole.
    step : str
        The part of it that begins now.
    share : float
        Of the task that is done, 0-1.
    """

    __slots__ = ("share", "step", "task")

    task: str
    step: str
    share: float

    def __new__(cls, task: str, step: str, share: float) -> Step:
        """The line, as everybody else reads it."""
        made = super().__new__(cls, f"{task}, {100 * share:.0f} %: {step}")
        made.task, made.step, made.share = task, step, share
        return made


def silent(step: str) -> None:
    """A progress that tells nobody."""
    del step
