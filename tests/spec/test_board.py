"""Boards and lives of a company that is written down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from models.board import Board, without_names
from models.life import Life
from pipelines.board import build_boards
from pipelines.page import prepare_tables, read_all_lives
from tests.spec.written import read_table
from tests.written_company import open_company

AS_OF = date(2026, 1, 1)
CATALOGUE = {
    "save": {"module": "reports", "core": True, "value_action": True},
    "look": {"module": "reports", "view": True},
    "sync": {"module": "data"},
    "rule": {"module": "rules"},
}
TABLES = {
    "accounts": """
        account_id | parent_id | segment
        A          | P         | smb
        B          | P         | smb
        C          |           | mid
        """,
    "contracts": """
        account_id | start_date | end_date   | arr  | seats | notice_days | renews | terminated_at
        A          | 2025-01-01 | 2026-01-01 | 1000 | 4     | 30          |        |
        A          | 2026-01-01 | 2027-01-01 | 1200 | 4     | 30          | c1     |
        B          | 2025-06-01 | 2026-06-01 | 500  |       |             |        |
        C          | 2024-01-01 | 2025-01-01 | 700  |       |             |        |
        """,
    "usage": """
        account_id | ts         | event | user_id | session_id | duration_s | count
        A          | 2025-01-10 | rule  | u1      | s0         |            | 1
        A          | 2025-01-20 | save  | u1      | s1         |            | 1
        A          | 2025-11-10 | save  | u1      | s2         | 3600       | 2
        A          | 2025-12-31 | look  | u1      | s3         | 900        | 3
        A          | 2025-12-31 | sync  | u1      | s3         | 2700       | 1
        A          | 2025-12-31 | save  | u2      | s4         |            | 1
        A          | 2026-01-01 | save  | u1      | s5         |            | 9
        B          | 2025-07-30 | save  | u9      | s6         |            | 1
        """,
    "users": """
        user_id | account_id | name  | role     | activated_at | deactivated_at
        u1      | A          | Ann   | member   | 2025-01-01   |
        u3      | A          | Chris | champion | 2025-01-01   | 2026-02-01
        """,
    "milestones": """
        kind | name    | planned_at | reached_at | known_at
        goal | go-live | 2025-03-01 | 2025-03-11 | 2025-01-01
        goal | save    | 2025-12-30 |            | 2025-01-01
        goal | grow    | 2026-06-01 |            | 2025-01-01
        """,
    "touchpoints": """
        ts         | kind | initiated_by
        2025-02-01 | call | vendor
        2025-06-01 | qbr  | vendor
        2025-12-20 | call | customer
        2026-01-01 | call | vendor
        """,
    "invoices": """
        issued_at  | due_at     | paid_at    | amount
        2025-01-01 | 2025-02-01 | 2025-02-11 | 100
        2025-11-01 | 2025-12-01 |            | 50
        """,
}
Told = tuple[dict[str, Board], dict[str, Life]]


def tell(spill: Path, *names: str) -> Told:
    """Boards and lives from some of the tables."""
    tables = {name: read_table(TABLES[name]) for name in names}
    source = open_company(tables, spill=spill, data_end=date(2026, 3, 1), catalogue=CATALOGUE)
    prepare_tables(source, AS_OF)
    lives = {life.account_id: life for life in read_all_lives(source, AS_OF)}
    customers = [name for name, life in lives.items() if life.left_on is None]
    return dict(build_boards(source, AS_OF, customers, lives).each), lives


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return tell(tmp_path, *TABLES)


def test_a_company_level_holds_the_last_four_weeks_and_those_before(told: Told) -> None:
    company: Any = told[0]["A"]["company"]  # Any: each key is asked for
    assert company["events"] == {"now": 5, "before": 2}
    assert company["value_actions"] == {"now": 1, "before": 2}
    assert company["visits"] == {"now": 2, "before": 1}
    assert company["views"] == {"now": 3, "before": 0}
    assert company["active_users"] == {"now": 2, "before": 1}
    assert company["hours"] == {"now": 1.0, "before": 1.0}
    assert company["views_per_visit"] == {"now": 1.5, "before": 0.0}
    assert company["seats"] == 4


def test_series_end_on_the_day_before_the_as_of_date(told: Told) -> None:
    weekly, daily = told[0]["A"]["weekly"], told[0]["A"]["daily"]
    assert weekly is not None
    assert daily is not None
    assert weekly["first_day"] == daily["first_day"] == "2025-07-03"
    assert weekly["events"] == [*[0] * 18, 2, *[0] * 6, 5]
    assert daily["value_actions"] is not None
    assert daily["value_actions"][-1] == 1
    assert daily["active_users"] is not None
    assert daily["active_users"][-1] == 2


def test_the_time_of_a_module_is_that_of_its_events(told: Told) -> None:
    modules = {one["module"]: one for one in told[0]["A"]["modules"] or []}
    hours = {name: (one["hours"] or [0])[-1] for name, one in modules.items()}
    assert hours == {"data": 0.75, "reports": 0.25, "rules": 0}
    assert (modules["reports"]["hours"] or [0])[18] == 1
    assert modules["reports"]["last_use"] == "2025-12-31"


def test_views_of_a_module_are_those_events_that_are_views(told: Told) -> None:
    views = {one["module"]: one["views"] for one in told[0]["A"]["modules"] or []}
    assert views == {"data": None, "reports": [*[0] * 25, 3], "rules": None}
    assert {one["module"]: one["events"][-1] for one in told[0]["A"]["modules"] or []} == {
        "data": 1, "reports": 4, "rules": 0,
    }  # fmt: skip


def test_features_are_told_by_week_in_days_of_users(told: Told) -> None:
    weeks = {one["event"]: one["weeks"] for one in told[0]["A"]["features"] or []}
    assert weeks["save"] == [*[0] * 18, 1, *[0] * 6, 1]
    assert weeks["look"] == [*[0] * 25, 1]
    assert weeks["rule"] == [0] * 26


def test_what_was_used_long_ago_is_told_from_what_never_was(told: Told) -> None:
    modules = {one["module"]: one for one in told[0]["A"]["modules"] or []}
    features = {one["event"]: one for one in told[0]["A"]["features"] or []}
    assert (modules["rules"]["last_use"], modules["rules"]["ever"]) == (None, True)
    assert features["save"]["user_days"] == {"now": 1, "before": 1}
    assert features["save"]["core"]
    never = {one["event"]: one["ever"] for one in told[0]["B"]["features"] or []}
    assert never == {"look": False, "rule": False, "save": True, "sync": False}


def test_key_users_come_first_and_who_is_in_no_table_of_users_is_there(told: Told) -> None:
    people = told[0]["A"]["people"]
    assert people is not None
    assert [one["user_id"] for one in people["users"]] == ["u3", "u1", "u2"]
    champion, ann, _ = people["users"]
    assert (champion["key"], champion["last_use"], champion["events"]) == (True, None, 0)
    assert champion["deactivated_on"] is None  # not known yet
    assert (ann["last_use"], ann["events"], ann["days"]) == ("2025-12-31", 4, 1)


def test_names_stand_apart_and_can_be_left_out(told: Told) -> None:
    board = told[0]["A"]
    assert board["names"] == {"u3": "Chris", "u1": "Ann"}
    assert "Ann" not in str(without_names(board))


def test_milestones_tell_how_late_they_are(told: Told) -> None:
    found = told[0]["A"]["milestones"] or []
    assert [(one["name"], one["reached_on"], one["days_late"]) for one in found] == [
        ("go-live", "2025-03-11", 10),
        ("save", None, 2),
        ("grow", None, 0),
    ]


def test_contracts_tell_what_is_signed_next(told: Told) -> None:
    found = told[0]["A"]["contracts"] or []
    assert [(one["contract_id"], one["renewed"], one["terms_before"]) for one in found] == [
        ("c1", False, 0)
    ]
    assert found[0]["decide_by"] == "2025-12-02"


def test_invoices_tell_what_is_overdue(told: Told) -> None:
    found = told[0]["A"]["invoices"]
    assert found is not None
    assert (found["open"], found["overdue"], found["amount_overdue"]) == (1, 1, 50)
    assert found["last_paid_late_days"] == 10
    other = told[0]["B"]["invoices"]
    assert other is not None
    assert (other["issued"], other["open"], other["amount_overdue"]) == (0, 0, 0)


def test_a_contact_on_the_as_of_date_is_not_on_the_board(told: Told) -> None:
    found = told[0]["A"]["touchpoints"] or []
    assert [one["on"] for one in found] == ["2025-12-20", "2025-06-01", "2025-02-01"]


def test_siblings_are_counted_and_not_named(told: Told) -> None:
    assert told[0]["A"]["siblings"] == 1
    assert told[0]["B"]["siblings"] == 1


def test_without_a_table_its_part_of_a_board_is_null(tmp_path: Path) -> None:
    board = tell(tmp_path, "accounts", "contracts")[0]["B"]
    told = {name for name, part in board.items() if part is not None}
    assert told == {"as_of", "contracts", "siblings"}


def test_a_life_ends_with_the_last_contract_once_grace_is_over(told: Told) -> None:
    lives = told[1]
    assert list(lives) == ["A", "B", "C"]
    assert (lives["A"].started_on, lives["A"].left_on) == (date(2025, 1, 1), None)
    assert (lives["C"].left_on, lives["C"].arr) == (date(2025, 1, 1), 700)
    assert (lives["A"].arr, lives["A"].segment) == (1000, "smb")


def test_value_by_day_30_is_not_told_of_lives_older_than_usage(told: Told) -> None:
    lives = told[1]
    assert lives["A"].value_by_day_30 is None  # usage begins nine days after this life
    assert (lives["B"].value_by_day_30, lives["B"].value_by_day_90) == (False, True)
    assert lives["C"].value_by_day_30 is None


def test_contacts_count_for_the_stage_in_which_they_were(told: Told) -> None:
    contacts = told[1]["A"].contacts
    assert contacts is not None
    assert {stage: count for stage, (count, _) in contacts.items()} == {
        "onboarding": 1, "midlife": 1, "renewal": 0,
    }  # fmt: skip
    assert sum(weeks for _, weeks in contacts.values()) == 52
