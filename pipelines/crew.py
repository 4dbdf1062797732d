"""Work on several things at once that can be left behind: what runs ends with the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from threading import Event, Thread
from typing import TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


def work_at_once(
    work: Callable[[Item], Found],
    items: Sequence[Item],
    *,
    threads: int,
    stop: Event,
    stop_s: float,
) -> list[Found]:
    """The outcome of work on each item, in their order.

    A pool of the standard library waits for what runs, also when the process is told to end.

    Parameters
    ----------
    work : callable
        Looks at `stop` now and then.
    items : sequence
    threads : int
        At most.
    stop : Event
        Set when the wait is interrupted: nothing more is begun.
    stop_s : float
        Seconds that what runs then has to come to its end; later it is left behind.

    Raises
    ------
    Exception
        The first one of the work, once all of it is done; whatever interrupted the wait, by then.
    """
    jobs: list[tuple[Item, Future[Found]]] = [(item, Future()) for item in items]
    left = deque(jobs)

    def go_on() -> None:
        while left and not stop.is_set():
            try:
                item, outcome = left.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                outcome.set_result(work(item))
            except BaseException as fault:  # noqa: BLE001  raised where the outcome is taken
                outcome.set_exception(fault)

    for _ in range(min(threads, len(jobs))):
        Thread(target=go_on, daemon=True).start()
    outcomes = [outcome for _, outcome in jobs]
    try:
        wait(outcomes)
    except BaseException:
        stop.set()
        waiting = [outcome for _, outcome in list(left)]
        wait([one for one in outcomes if one not in waiting], timeout=stop_s)
        raise
    return [outcome.result() for outcome in outcomes]
