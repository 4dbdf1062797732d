"""The demo's people: they act on what a ranking shows, by chance that is always the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from models.account_score import AccountScore
from models.alert import Alert, Severity
from models.feedback_store import FeedbackStore
from models.intervention import held_out
from models.playbook_action import PlaybookAction
from models.playbook_record import list_tasks
from models.service_store import ServiceStore
from models.settings import InterventionSettings
from models.store import SnapshotStore
from pipelines.config import Config, read_config
from pipelines.demo_work import work_on_demo
from pipelines.demonstration import CONFIG
from pipelines.home import Home
from tests.integration.company import due, snapshot

DAYS = tuple(date(2026, month, 1) for month in (8, 9, 10))
TODAY = date(2026, 12, 1)


def warned(name: str, day: date, severity: Severity = "urgent", status: str = "opened") -> Alert:
    return Alert("silent", None, severity, status, "", 1.0, None, day, playbook=name)  # type: ignore[arg-type]  # the test chooses


def ranking(day: date, size: int = 30) -> tuple[AccountScore, ...]:
    """Accounts of which every second has no new warning that asks for an action."""
    asking = (
        warned("listen", day),
        warned("listen", day, "watch"),
        warned("call-this-week", day, "soon"),
        warned("listen", day, status="kept"),
    )
    return tuple(
        due(f"A{place:03}", 0.5, 1000.0 - place, parent_id=None, alerts=(asking[place % 4],))
        for place in range(size)
    )


@pytest.fixture
def company(tmp_path: Path) -> Config:
    return read_config(CONFIG, data=tmp_path)


def work(
    folder: Path, config: Config, days: Sequence[date] = DAYS, today: date = TODAY
) -> list[PlaybookAction]:
    """What is put down after rankings of these days, the oldest first."""
    home = Home(folder)
    folder.mkdir(exist_ok=True)
    with SnapshotStore(home.store_url) as store:
        for day in days:
            store.backfill(snapshot(*ranking(day), as_of=day, backfilled=True))
    steps = work_on_demo(home, config, today=today)
    with ServiceStore(home.service_store_url) as service:
        found = FeedbackStore(service).playbook_actions()
    assert steps == len(found)
    return found[::-1]


def test_a_task_is_started_done_late_or_put_down_as_not_useful_and_says_that_it_is_made_up(
    tmp_path: Path, company: Config
) -> None:
    found = work(tmp_path / "home", company)
    tasks = list_tasks(found)
    assert {one.status for one in found} == {"started", "done", "dismissed"}
    assert {task.status for task in tasks} >= {"done", "dismissed"}
    late = [one for one in tasks if one.due_on and one.ended_on and one.ended_on > one.due_on]
    assert 0 < len(late) < len(tasks) / 2
    firsts = [one for one in found if one.status != "done"]
    assert {one.note for one in firsts} == {"Made up, like the company."}
    assert all(one.created_at.weekday() < 5 for one in firsts)


def test_it_is_the_same_in_every_home_and_put_down_once(tmp_path: Path, company: Config) -> None:
    def told(found: Sequence[PlaybookAction]) -> list[tuple[object, ...]]:
        return [(one.action_id, one.status, one.due_on, one.created_at) for one in found]

    first = told(work(tmp_path / "home", company))
    assert told(work(tmp_path / "home", company)) == first
    assert told(work(tmp_path / "other", company)) == first


def test_nobody_knows_a_later_ranking_or_acts_on_a_later_day(
    tmp_path: Path, company: Config
) -> None:
    whole = {one.action_id: one.created_at.date() for one in work(tmp_path / "whole", company)}
    early = {one.action_id for one in work(tmp_path / "early", company, DAYS[:1])}
    last = DAYS[0] + timedelta(days=14)
    assert early <= whole.keys()
    assert {name for name, day in whole.items() if day <= last} == early
    until = date(2026, 9, 10)
    cut = {one.action_id for one in work(tmp_path / "cut", company, today=until)}
    assert cut == {name for name, day in whole.items() if day <= until}


def test_as_many_as_the_team_can_and_nobody_who_is_to_be_left_alone(
    tmp_path: Path, company: Config
) -> None:
    small = company.model_copy(update={"team": company.team.model_copy(update={"capacity": 5})})
    found = work(tmp_path / "home", small)
    assert {one.account_id for one in found} == {"A000", "A002", "A004", "A006", "A008"}
    chosen = InterventionSettings(hold_out_share=0.5)
    held = work(tmp_path / "held", company.model_copy(update={"interventions": chosen}))
    worked = {one.account_id for one in held}
    assert worked
    assert not any(held_out(sorted(worked), share=chosen.hold_out_share, seed=chosen.seed))
