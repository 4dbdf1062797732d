"""The demo company's people at work: what they put down about the warnings of each ranking.

They are as made up as the company. They see a ranking and its warnings on its as-of date and know
nothing of what came later. What they do changes nothing in the tables: whoever was worked on left
as often as if nobody had called.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from models.account_score import AccountScore
from models.alert import Alert
from models.feedback_store import FeedbackStore
from models.intervention import held_out
from models.playbook import merge_playbooks
from models.playbook_action import PlaybookAction, PlaybookStatus
from models.playbook_record import WITHIN
from models.service_store import ServiceStore
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from pipelines.config import Config
from pipelines.home import Home

NOTE = "Made up, like the company."
AT = time(9)  # UTC, when they put things down
LOOKED_AT = 4  # times what they can work on: so far they read down the ranking
GOES_ON_DAYS = 14  # after the last ranking
# Shares of what they take up: in time, put down as not useful, and ended only after its day.
IN_TIME, NOT_USEFUL, DRAGS = 0.8, 0.1, 0.25


@dataclass(frozen=True)
class _Task:
    """A playbook that somebody takes up because of a warning."""

    header: SnapshotHeader
    account_id: str
    playbook: str
    due_days: int
    within: int

    def steps(self, first: date) -> Iterator[PlaybookAction]:
        """What is put down about it: always the same for a task."""
        chance = Random(f"{first} {self.account_id} {self.playbook}")
        late = 0 if chance.random() < IN_TIME else self.within + 1
        begins = _next_workday(first + timedelta(days=late + chance.randrange(self.within - 2)))
        if chance.random() < NOT_USEFUL:
            yield self._put_down("dismissed", begins, note=NOTE)
            return
        due_on = begins + timedelta(days=self.due_days)
        yield self._put_down("started", begins, due_on=due_on, note=NOTE)
        drags = chance.random() < DRAGS
        takes = chance.uniform(1.2, 3.0) if drags else chance.uniform(0.2, 1.0)
        yield self._put_down("done", begins + timedelta(days=int(takes * self.due_days) + 1))

    def _put_down(
        self,
        status: PlaybookStatus,
        day: date,
        *,
        due_on: date | None = None,
        note: str | None = None,
    ) -> PlaybookAction:
        named = f"{self.account_id} {self.playbook} {status} {day}"
        return PlaybookAction(
            account_id=self.account_id,
            playbook=self.playbook,
            status=status,
            due_on=due_on,
            note=note,
            snapshot_id=self.header.snapshot_id,
            key_id=None,
            created_at=datetime.combine(day, AT, UTC),
            action_id=hashlib.blake2b(named.encode(), digest_size=8).hexdigest(),
        )


def work_on_demo(home: Home, config: Config, *, today: date) -> int:
    """Put down what the demo's people did about every ranking, and return how many steps.

    Parameters
    ----------
    home : Home
        Its store holds the demo's rankings; what was put down there before stays as it is.
    config : Config
        Of the demo: whom nobody works on, and how many the team can.
    today : date
        Nothing is put down for a later day.
    """
    with SnapshotStore(home.store_url) as store:
        reader = SnapshotReader(store)
        headers = {
            one.as_of: one
            for one in reversed(reader.headers(config.company, limit=None))
            if one.as_of
        }
        if not headers:
            return 0
        last = min(max(headers) + timedelta(days=GOES_ON_DAYS), today)
        steps: list[PlaybookAction] = []
        busy: dict[tuple[str, str], date] = {}
        for day in sorted(headers):
            for task in _choose(reader, headers[day], config):
                key = (task.account_id, task.playbook)
                found = list(task.steps(day))
                if busy.get(key, date.min) < found[0].created_at.date():
                    busy[key] = found[-1].created_at.date()
                    steps += [one for one in found if one.created_at.date() <= last]
    with ServiceStore(home.service_store_url) as service:
        FeedbackStore(service).add_past(steps)
    return len(steps)


def _choose(reader: SnapshotReader, header: SnapshotHeader, config: Config) -> Iterator[_Task]:
    """The first accounts of a ranking with a new warning, as many as the team can work on."""
    due_days = {one.name: one.due_days for one in merge_playbooks(config.playbooks)}
    capacity = config.team.capacity
    chosen = config.interventions
    scores = list(reader.scores(header.snapshot_id, limit=capacity * LOOKED_AT))
    groups = [score.parent_id or score.account_id for score in scores]
    left_alone = held_out(groups, share=chosen.hold_out_share, seed=chosen.seed)
    seen = [score for score, out in zip(scores, left_alone, strict=True) if not out]
    worked = [(score, alert) for score in seen if (alert := _find_new(score))]
    for score, alert in worked[:capacity]:
        assert alert.playbook is not None  # as `_find_new` chose it
        within = WITHIN[alert.severity]
        yield _Task(header, score.account_id, alert.playbook, due_days[alert.playbook], within)


def _find_new(score: AccountScore) -> Alert | None:
    """The severest warning that was opened with these scores and asks for an action."""
    asking = (
        one
        for one in score.alerts
        if one.status == "opened" and one.playbook is not None and one.severity in WITHIN
    )
    return next(asking, None)


def _next_workday(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)
