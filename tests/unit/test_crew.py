"""Work at once: in order, all of it, and nothing waits for what hangs when the wait is ended."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, wait
from threading import Event

import pytest

from pipelines.crew import work_at_once


def test_outcomes_come_in_the_order_of_the_items_whichever_is_done_first() -> None:
    later = Event()

    def work(number: int) -> int:
        if number == 0:
            assert later.wait(60)
        if number == 1:
            later.set()
        return number * number

    assert work_at_once(work, range(5), threads=2, stop=Event(), stop_s=1) == [0, 1, 4, 9, 16]
    assert work_at_once(work, [], threads=2, stop=Event(), stop_s=1) == []


def test_a_fault_of_one_is_raised_once_all_others_are_done() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 0:
            raise ZeroDivisionError
        done.append(number)

    with pytest.raises(ZeroDivisionError):
        work_at_once(work, range(9), threads=1, stop=Event(), stop_s=1)
    assert done == list(range(1, 9))


def test_what_hangs_when_the_wait_is_ended_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, hangs = Event(), Event()
    begun: list[int] = []

    def interrupt(jobs: Sequence[Future[None]], timeout: float | None = None) -> None:
        if timeout is None:
            while not begun:
                pass
            raise KeyboardInterrupt
        assert len(jobs) == 1  # those that were not begun are not waited for
        wait(jobs, timeout=0.01)

    def work(number: int) -> None:
        begun.append(number)
        hangs.wait(60)

    monkeypatch.setattr("pipelines.crew.wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        work_at_once(work, range(9), threads=1, stop=stop, stop_s=3)
    assert (stop.is_set(), begun) == (True, [0])
    assert all(one.daemon for one in threading.enumerate() if "go_on" in one.name)
    hangs.set()
