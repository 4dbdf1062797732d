"""How the work with playbooks goes: started, done, overdue, and in time after a warning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from models.alert import Severity
from models.playbook_action import PlaybookAction, PlaybookStatus

# Days within which a warning is to be acted on; what is only kept in view asks for no action.
WITHIN: Mapping[Severity, int] = {"urgent": 7, "soon": 28}


@dataclass(frozen=True, slots=True)
class Task:
    """A playbook taken up for an account.

    Parameters
    ----------
    account_id, playbook : str
    status : str
        As its newest action says.
    started_on, due_on : date or None
        None where it was put down as done or dismissed without having been started.
    ended_on : date or None
        When it was done or dismissed; None while it is open.
    """

    account_id: str
    playbook: str
    status: PlaybookStatus
    started_on: date | None
    due_on: date | None
    ended_on: date | None = None

    def is_overdue(self, today: date) -> bool:
        """Whether it is open past its day."""
        return self.ended_on is None and self.due_on is not None and self.due_on < today


class Warned(NamedTuple):
    """A warning that some snapshot showed of an account."""

    account_id: str
    rule: str
    subject: str | None
    severity: Severity
    playbook: str | None
    first_seen: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybookRecord:
    """What became of playbooks and warnings.

    Parameters
    ----------
    started, done, dismissed, open, overdue : int
        Of the tasks: all that were ever started, by how they ended, and those still open.
    due_warnings : int
        Warnings with a playbook that were acted on, or whose time to be acted on has passed.
    in_time : int
        Of these, those whose playbook was started or done on the account in time.
    """

    started: int
    done: int
    dismissed: int
    open: int
    overdue: int
    due_warnings: int
    in_time: int

    @property
    def in_time_share(self) -> float | None:
        """Share 0-1 of the warnings that were acted on in time; None without any that was due."""
        return self.in_time / self.due_warnings if self.due_warnings else None


def list_tasks(actions: Iterable[PlaybookAction]) -> list[Task]:
    """The tasks behind actions, in the order in which they began.

    A playbook that is started anew after its end is another task; one that is started while it is
    open only gets another day by which it is due.

    Parameters
    ----------
    actions : iterable of PlaybookAction
        In any order.
    """
    tasks: list[Task] = []
    open_at: dict[tuple[str, str], int] = {}
    for action in sorted(actions, key=lambda one: (one.created_at, one.action_id)):
        key, day = (action.account_id, action.playbook), action.created_at.date()
        place = open_at.get(key)
        if action.status == "started":
            begun = day if place is None else tasks[place].started_on
            task = Task(*key, "started", begun, action.due_on)
        else:
            before = None if place is None else tasks[place]
            task = Task(
                *key,
                action.status,
                None if before is None else before.started_on,
                None if before is None else before.due_on,
                ended_on=day,
            )
        if place is None:
            open_at[key] = place = len(tasks)
            tasks.append(task)
        tasks[place] = task
        if task.ended_on is not None:
            del open_at[key]
    return tasks


def measure_playbooks(
    tasks: Sequence[Task], warnings: Iterable[Warned], *, today: date
) -> PlaybookRecord:
    """What became of tasks, and how many warnings were acted on in time.

    Parameters
    ----------
    tasks : sequence of Task
    warnings : iterable of Warned
        Of all snapshots; one that several show counts once.
    today : date
    """
    acted: dict[tuple[str, str], list[date]] = {}
    for task in tasks:
        day = task.started_on or task.ended_on
        if day is not None and task.status != "dismissed":
            acted.setdefault((task.account_id, task.playbook), []).append(day)
    due, in_time = 0, 0
    for warning in set(warnings):
        if warning.playbook is None or warning.severity not in WITHIN:
            continue
        last = warning.first_seen + timedelta(days=WITHIN[warning.severity])
        days = acted.get((warning.account_id, warning.playbook), [])
        kept = any(warning.first_seen <= day <= last for day in days)
        due += kept or last < today
        in_time += kept
    return PlaybookRecord(
        started=sum(task.started_on is not None for task in tasks),
        done=sum(task.status == "done" for task in tasks),
        dismissed=sum(task.status == "dismissed" for task in tasks),
        open=sum(task.ended_on is None for task in tasks),
        overdue=sum(task.is_overdue(today) for task in tasks),
        due_warnings=due,
        in_time=in_time,
    )
