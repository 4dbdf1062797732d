"""What was done about an account, and its figures before and after: an observation, no effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from models.playbook_action import PlaybookAction
from models.playbook_record import Task, list_tasks

SPAN = 28  # days on either side
SERIES = ("value_actions", "active_users")


@dataclass(frozen=True, slots=True)
class Observed:
    """Means a day of the days before and after a day.

    Parameters
    ----------
    days : int
        That are known after it, at most `SPAN`; the day itself is the first of them.
    before, after : mapping of str to float
        By series of `SERIES`; only those that are known.
    """

    days: int
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Work:
    """A playbook that was taken up.

    Parameters
    ----------
    playbook : str
    status : str
        As in `PlaybookAction`, or as the company's own table says.
    began : date
    due_on, ended_on : date or None
    is_overdue : bool
    notes : tuple of str
        What people wrote, in order; empty for readers who may not see it.
    observed : Observed or None
        None where the series do not reach 28 days before it and a day after.
    is_own : bool
        Whether it was said here; else it comes from the company's tables.
    """

    playbook: str
    status: str
    began: date
    due_on: date | None
    ended_on: date | None
    is_overdue: bool
    notes: tuple[str, ...]
    observed: Observed | None
    is_own: bool


def list_work(
    actions: Sequence[PlaybookAction], board: Mapping[str, Any] | None, today: date, *, people: bool
) -> list[Work]:  # Any: JSON
    """All of it, the newest first.

    Parameters
    ----------
    actions : sequence of PlaybookAction
    board : mapping or None
        See `models.board`.
    today : date
    people : bool
        Whether the reader may see what people wrote.
    """
    daily = None if board is None else board.get("daily")
    found = []
    for task in list_tasks(actions):
        began = task.started_on or task.ended_on
        assert began is not None  # one of both is a step that was taken
        notes = tuple(_notes(task, began, actions)) if people else ()
        seen = None if task.status == "dismissed" else observe(daily, began)
        found.append(
            Work(task.playbook, task.status, began, task.due_on, task.ended_on,
                 task.is_overdue(today), notes, seen, is_own=True)
        )  # fmt: skip
    for one in (board or {}).get("interventions") or ():
        day = date.fromisoformat(one["on"])
        found.append(
            Work(one["playbook"] or "", one["status"] or "", day, None, None, False, (),
                 observe(daily, day), is_own=False)
        )  # fmt: skip
    return sorted(found, key=lambda one: one.began, reverse=True)


def observe(daily: Mapping[str, Any] | None, day: date) -> Observed | None:  # Any: JSON
    """The figures of the days before and after a day; None where they are not known."""
    if daily is None:
        return None
    place = (day - date.fromisoformat(daily["first_day"])).days
    before, after, days = {}, {}, 0
    for name in SERIES:
        series = daily.get(name)
        if series is None or place < SPAN or place >= len(series):
            continue
        later = series[place : place + SPAN]
        days = len(later)
        before[name] = sum(series[place - SPAN : place]) / SPAN
        after[name] = sum(later) / days
    return Observed(days, before, after) if days else None


def open_work(work: Sequence[Work]) -> dict[str, Work]:
    """What is started and not ended, by playbook."""
    return {one.playbook: one for one in work if one.is_own and one.ended_on is None}


def _notes(task: Task, began: date, actions: Sequence[PlaybookAction]) -> list[str]:
    last = task.ended_on or date.max - timedelta(1)
    return [
        one.note
        for one in sorted(actions, key=lambda one: one.created_at)
        if one.playbook == task.playbook and one.note and began <= one.created_at.date() <= last
    ]
