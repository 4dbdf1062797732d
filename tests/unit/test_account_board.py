"""The board of an account: what its page says of figures, of people and of what nobody knows."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, cast

import pytest

from models.board import Board
from serving.account_board import show_board
from serving.page_format import MISSING
from serving.page_language import load_languages
from serving.page_template import make_environment
from tests.integration.markup import Page, check_manners, check_policy

HOSTILE = '<script>alert("1")</script>'
PAGE = (
    '{% extends "base.html" %}{% block content %}<h1>Account</h1>'
    '{% include "account_board.html" %}{% endblock %}'
)
WEEKS = 26
BOARD = cast(
    Board,
    {
        "as_of": "2026-11-01",
        "company": {
            "events": {"now": 28, "before": 55},
            "value_actions": {"now": 7.0, "before": 16.0},
            "visits": None,
            "views": {"now": 12.0, "before": 0.0},
            "active_users": {"now": 7, "before": 7},
            "hours": {"now": 0.86, "before": 1.31},
            "views_per_visit": None,
            "seats": 15.0,
        },
        "weekly": {
            "first_day": "2026-05-03",
            "events": [3] * WEEKS,
            "value_actions": [1] * WEEKS,
            "visits": None,
            "views": [2] * WEEKS,
            "hours": [0.5] * WEEKS,
        },
        "daily": None,
        "modules": [
            {
                "module": f"module_{number}",
                "events": [number] * WEEKS,
                "views": [number] * WEEKS if number else None,
                "hours": [0.1 * number] * WEEKS,
                "change": {"now": 4 * number, "before": 4 * number},
                "last_use": "2026-10-30" if number else None,
                "ever": number > 0,
            }
            for number in range(11)
        ],
        "features": [
            {
                "event": "export_report",
                "module": "module_1",
                "core": True,
                "value_action": True,
                "view": False,
                "user_days": {"now": 0, "before": 2},
                "weeks": [*[0] * 19, 2, *[0] * 6],
                "last_use": "2026-09-20",
                "ever": True,
            },
            {
                "event": HOSTILE,
                "module": None,
                "core": False,
                "value_action": False,
                "view": False,
                "user_days": {"now": 0, "before": 0},
                "weeks": [0] * WEEKS,
                "last_use": None,
                "ever": False,
            },
            {
                "event": "old_thing",
                "module": None,
                "core": False,
                "value_action": False,
                "view": True,
                "user_days": {"now": 0, "before": 0},
                "weeks": [0] * WEEKS,
                "last_use": None,
                "ever": True,
            },
        ],
        "people": {
            "users": [
                {
                    "user_id": "U1",
                    "role": "champion",
                    "key": True,
                    "last_use": "2026-10-11",
                    "events": 8,
                    "days": 7,
                    "activated_on": "2021-12-28",
                    "deactivated_on": None,
                },
                {
                    "user_id": "U2",
                    "role": "executive",
                    "key": True,
                    "last_use": None,
                    "events": 0,
                    "days": 0,
                    "activated_on": None,
                    "deactivated_on": None,
                },
                {
                    "user_id": "U3",
                    "role": None,
                    "key": False,
                    "last_use": None,
                    "events": 0,
                    "days": 0,
                    "activated_on": None,
                    "deactivated_on": "2024-01-01",
                },
            ],
            "more": 5,
        },
        "names": {"U1": HOSTILE, "U2": "Maria Roth"},
        "milestones": [
            {
                "kind": "goal",
                "name": "cut_costs",
                "planned_on": "2026-10-01",
                "reached_on": None,
                "days_late": 31,
            },
            {
                "kind": "onboarding",
                "name": None,
                "planned_on": "2026-01-01",
                "reached_on": "2025-12-24",
                "days_late": 0,
            },
        ],
        "value_by_day_30": True,
        "value_by_day_90": None,
        "contracts": [
            {
                "contract_id": "C1",
                "starts_on": "2026-02-01",
                "ends_on": "2027-02-01",
                "ended_on": None,
                "decide_by": "2026-12-03",
                "notice_days": 60.0,
                "notice_given_on": None,
                "auto_renew": True,
                "term_months": 12.0,
                "billing_months": 3.0,
                "plan": "business",
                "product": None,
                "seats": 15.0,
                "arr": 11160.0,
                "currency": "EUR",
                "discount": 0.1,
                "terms_before": 2,
                "price_change": 0.09,
                "renewed": False,
            }
        ],
        "invoices": {
            "issued": 20,
            "open": 1,
            "overdue": 1,
            "amount_overdue": 900.0,
            "oldest_overdue_days": 12,
            "last_paid_on": "2026-10-25",
            "last_paid_late_days": -3,
        },
        "surveys": [
            {"kind": "nps", "value": 6.0, "on": "2026-08-05", "age_days": 88, "answers": 2}
        ],
        "touchpoints": [{"on": "2026-10-21", "kind": "qbr", "initiated_by": "vendor"}],
        "tickets": {
            "open": 1,
            "escalated_open": 1,
            "oldest_open_days": 38,
            "opened": 1,
            "opened_before": 2,
        },
        "interventions": [{"on": "2026-07-26", "playbook": "executive_call", "status": "done"}],
        "siblings": 3,
    },
)
SECTIONS = (
    "company",
    "weekly",
    "daily",
    "modules",
    "features",
    "people",
    "names",
    "milestones",
    "value_by_day_30",
    "value_by_day_90",
    "contracts",
    "invoices",
    "surveys",
    "touchpoints",
    "tickets",
    "interventions",
    "siblings",
)
NOTHING = cast(Board, {"as_of": "2026-11-01", **dict.fromkeys(SECTIONS)})


def see(board: Board | None, *, people: bool = True, code: str = "en") -> Page:
    template = make_environment(code).from_string(PAGE)
    page = Page(template.render(board=board, people=people))
    check_policy(page)
    check_manners(page)
    return page


def changed(**parts: Any) -> Board:  # Any: JSON
    return cast(Board, {**deepcopy(BOARD), **parts})


def test_the_three_levels_stand_in_their_order_with_the_north_star_first() -> None:
    words = see(BOARD).words
    places = [
        words.index(title)
        for title in (
            "Value actions by week",
            "The last 28 days against the 28 before",
            "Page views by module",
            "Hours by module",
            "Days on which each was done",
            "Key users",
            "All other users",
            "Goals and milestones",
        )
    ]
    assert places == sorted(places)
    assert "7 of 15 seats were used" in words
    assert "as known at the end of Oct 31, 2026" in words


def test_figures_stand_beside_those_before_and_what_was_nothing_is_new() -> None:
    words = see(BOARD).words
    assert "Value actions 7 16 -56%" in words.replace("\u2212", "-")
    assert "Page views 12 0 new" in words
    assert "Not told by the usage table: visits." in words


def test_what_was_never_used_is_told_from_what_was_used_long_ago() -> None:
    words = see(BOARD).words
    assert "1 of 3 features were never used." in words
    assert "Old thing" in words
    assert "over 26 weeks ago" in words
    assert "never used" in words


def test_more_modules_than_colours_are_summed() -> None:
    chart = show_board(BOARD, load_languages()["en"], people=True).use[1].charts[0]
    assert chart.columns[-1] == "Others"
    assert len(chart.columns) == 1 + 8
    # Modules 1, 2 and 3 are the least used of ten.
    assert chart.rows[0][-1] == "6"


def test_modules_are_drawn_by_page_views_and_those_without_are_named() -> None:
    words = see(BOARD).words
    assert "these have none: Module 0. The table counts all events." in words


def test_hours_by_module_are_drawn_only_where_events_tell_how_long_they_took() -> None:
    assert "there are no hours by module" not in see(BOARD).words
    weekly = {**(BOARD["weekly"] or {}), "hours": None}
    modules = [{**one, "hours": None} for one in BOARD["modules"] or ()]
    words = see(changed(modules=modules, weekly=weekly)).words
    assert "Hours by module" not in words
    assert "The usage table tells no time, so there are no hours by module." in words


def test_where_no_page_view_is_known_modules_are_drawn_by_all_events() -> None:
    modules = [{**one, "views": None} for one in BOARD["modules"] or ()]
    words = see(changed(modules=modules)).words
    assert "Events by module" in words
    assert "Page views by module" not in words
    assert "so all events are drawn" in words


def test_features_of_each_module_that_was_used_are_drawn_by_week() -> None:
    part = show_board(BOARD, load_languages()["en"], people=True).use[2]
    assert [chart.title for chart in part.folded] == ["Module 1: days of users with each feature"]
    assert part.folded[0].columns == ("Week from", "Export report")
    assert part.folded[0].rows[19][1] == "2"
    assert "Features by week, module by module" in see(BOARD).words


def test_a_board_of_before_views_and_weeks_were_told_is_shown_without_them() -> None:
    old = deepcopy(BOARD)
    for one in (*(old["modules"] or ()), *(old["features"] or ())):
        for name in ("views", "weeks"):
            cast("dict[str, object]", one).pop(name, None)
    words = see(old).words
    assert "Events by module" in words
    assert "Features by week" not in words
    assert "hours by module" not in words.lower()  # they were shared out by events


def test_names_of_people_are_for_those_who_may_read_them() -> None:
    named, plain = see(BOARD), see(BOARD, people=False)
    assert "Maria Roth" in named.words
    assert HOSTILE in named.words
    assert "Maria Roth" not in plain.words
    assert "U2" in plain.words
    assert "here are user ids" in plain.words


def test_people_are_told_as_seen_gone_or_never_seen() -> None:
    words = see(BOARD).words
    assert "champion 21 days ago 7 8" in words
    assert "executive never seen 0 0" in words
    assert "gone since Jan 1, 2024" in words
    assert "5 more users are not listed." in words


def test_records_are_told_in_words() -> None:
    words = see(BOARD).words
    for told in (
        "Value by day 30: reached.",
        "Value by day 90: not known.",
        "Cut costs goal Oct 1, 2026 open, 31 days late",
        "reached Dec 24, 2025",
        "paid every 3 months · renews by itself · 60 days of notice · 10% discount",
        "€11.2K 15 +9% Dec 3, 2026 running",
        "3 days early",
        "NPS (0 to 10) 6 88 2",
        "Oct 21, 2026 business review us",
        "Open and escalated 1",
        "3 other customers have the same parent.",
    ):
        assert told in words, told


def test_a_term_that_ended_early_has_no_day_to_decide_by() -> None:
    term = BOARD["contracts"][0] if BOARD["contracts"] else None
    assert term is not None
    early = changed(contracts=[{**term, "ended_on": "2026-10-01", "renewed": True}])
    assert f"Feb 1, 2026 {MISSING} Oct 1, 2026 €11.2K 15 +9% {MISSING} renewed" in see(early).words
    agreed = changed(contracts=[{**term, "ended_on": "2027-02-01", "renewed": True}])
    assert "€11.2K 15 +9% Dec 3, 2026 renewed" in see(agreed).words


def test_what_no_table_tells_is_said_and_never_shown_as_nothing() -> None:
    page = see(NOTHING)
    assert page.words.count("There is no ") >= 7
    assert "there is no invoices table" in page.words
    assert page.all("td") == []


def test_tables_without_a_row_of_the_account_are_told_from_missing_ones() -> None:
    empty = changed(
        milestones=[], contracts=[], surveys=[], touchpoints=[], interventions=[],
        people={"users": [], "more": 0}, names={},
    )  # fmt: skip
    words = see(empty).words
    assert "There is no" not in words
    assert "Nobody answered a survey." in words
    assert "No user of this account is known." in words


def test_what_an_older_version_did_not_publish_is_not_known() -> None:
    words = see(cast(Board, {"touchpoints": BOARD["touchpoints"]})).words
    assert "business review" in words
    assert "There is no contracts table." in words


def test_a_board_that_was_not_published_is_said_to_be_missing() -> None:
    assert "No board was published with these scores." in see(None).words


@pytest.mark.parametrize("board", [BOARD, NOTHING], ids=["full", "empty"])
def test_every_sentence_has_its_chinese(board: Board) -> None:
    words = see(board, code="zh").words
    for english in ("There is", "Known", "days", "Last use", "Value by", "seats"):
        assert english not in words, english
