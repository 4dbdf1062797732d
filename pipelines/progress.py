"""Progress for people: a moving bar on a terminal, plain lines elsewhere, always on stderr.

A `Step` knows the share of its task that is done: then the bar fills, and the time left is told.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from features.progress import Progress, Step

if TYPE_CHECKING:
    from rich.console import Console

# With less done an estimate would be a guess.
_TELLING_SHARE = 0.05


@contextmanager
def show_progress() -> Iterator[Progress]:
    """A function to be told each step."""
    if sys.stderr.isatty():
        from rich.console import Console

        with show_bar(Console(stderr=True)) as tell:
            yield tell
    else:
        yield write_lines(lambda line: print(line, file=sys.stderr, flush=True))


def write_lines(
    write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
) -> Progress:
    """A progress that writes a line per step, with the seconds since it was made.

    Parameters
    ----------
    write : callable
        Takes a line.
    clock : callable
        Seconds from any beginning.
    """
    begun = clock()
    starts: dict[str, float] = {}

    def tell(step: str) -> None:
        now = clock()
        left = ""
        if isinstance(step, Step):
            spent = now - starts.setdefault(step.task, now)
            if _TELLING_SHARE <= step.share < 1:
                left = f", about {_duration(spent * (1 - step.share) / step.share)} left"
        write(f"{now - begun:6.1f} s  {step}{left}")

    return tell


@contextmanager
def show_bar(console: Console) -> Iterator[Progress]:
    """A progress that moves a bar, which fills while a task's share is known."""
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        SpinnerColumn(),
        BarColumn(24),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.description}"),
    )
    # The pace of the whole task tells better than that of its last seconds.
    with Bar(*columns, console=console, transient=True, speed_estimate_period=3600) as bar:
        shown = bar.add_task("starting", total=None)
        task = None

        def tell(step: str) -> None:
            nonlocal shown, task
            of = step.task if isinstance(step, Step) else None
            if of != task:  # a bar cannot forget how long it was
                bar.remove_task(shown)
                shown, task = bar.add_task(step, total=None if of is None else 1.0), of
            share = step.share if isinstance(step, Step) else 0.0
            bar.update(shown, description=step, completed=share)

        yield tell


def _duration(seconds: float) -> str:
    """A time as people say it."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
