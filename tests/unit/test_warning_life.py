"""Warnings over score runs: opened, kept and closed once, without flapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from models.alert import Alert
from models.warning_life import LifeRules, carry_on

START = date(2026, 5, 4)
RULES = LifeRules(
    frozenset({("fall", None), ("late", None), ("fall", "reporting"), ("later", None)}),
    runs_to_close=2,
    gives_way_to={"late": frozenset({"later"})},
)


def stands(rule: str = "fall", subject: str | None = None, *, week: int = 0, value: float = 1.0,
           severity: str = "soon") -> Alert:  # fmt: skip
    """A warning as a run finds it."""
    text = f"{rule} {value}"
    day = START + timedelta(weeks=week)
    return Alert(rule, subject, severity, "opened", text, value, "days", day)  # type: ignore[arg-type]  # the test chooses


def run(
    before: Sequence[Alert], *found: Alert, repeated: bool = False, rules: LifeRules = RULES
) -> tuple[Alert, ...]:
    return carry_on(found, before, repeated=repeated, rules=rules)


def told(alerts: Sequence[Alert]) -> list[tuple[str, str, int]]:
    return [(alert.rule, alert.status, alert.runs_clear) for alert in alerts]


def test_a_warning_is_opened_once_and_then_kept_since_its_first_day() -> None:
    first = run((), stands())
    second = run(first, stands(week=1, value=7.0))
    assert told(first) == [("fall", "opened", 0)]
    assert told(second) == [("fall", "kept", 0)]
    assert second[0].first_seen == START
    assert second[0].text == "fall 7.0"


def test_it_closes_after_two_runs_without_it_and_appears_once_as_closed() -> None:
    first = run((), stands())
    second = run(first)
    third = run(second)
    assert told(second) == [("fall", "kept", 1)]
    assert told(third) == [("fall", "closed", 2)]
    assert run(third) == ()


def test_one_run_without_it_does_not_make_it_flap() -> None:
    gap = run(run((), stands()))
    again = run(gap, stands(week=2))
    assert told(again) == [("fall", "kept", 0)]
    assert again[0].first_seen == START


def test_one_that_was_closed_opens_anew() -> None:
    closed = run(run(run((), stands())))
    anew = run(closed, stands(week=3))
    assert told(anew) == [("fall", "opened", 0)]
    assert anew[0].first_seen == START + timedelta(weeks=3)


def test_each_subject_of_a_rule_has_a_warning_of_its_own() -> None:
    first = run((), stands(), stands(subject="reporting"))
    second = run(first, stands(subject="reporting", week=1))
    assert {(alert.subject, alert.runs_clear) for alert in second} == {(None, 1), ("reporting", 0)}


def test_a_second_run_on_the_same_date_counts_as_none() -> None:
    first = run((), stands())
    assert run(first, stands(), repeated=True) == first
    gap = run(first)
    assert run(gap, repeated=True) == gap
    closed = run(gap)
    assert run(closed, repeated=True) == closed


def test_what_was_opened_and_taken_back_on_one_date_leaves_no_trace() -> None:
    assert run(run((), stands()), repeated=True) == ()


def test_a_warning_of_a_rule_that_is_off_goes_without_a_word() -> None:
    off = LifeRules(frozenset({("late", None)}), runs_to_close=2)
    assert run(run((), stands()), rules=off) == ()


def test_a_warning_gives_way_at_once_to_the_one_of_a_later_time() -> None:
    second = run(run((), stands("late")), stands("later", week=1))
    assert told(second) == [("later", "opened", 0), ("late", "closed", 1)]


def test_the_most_severe_stand_first_and_the_closed_last() -> None:
    before = run(run((), stands(severity="urgent")))
    found = run(before, stands("late", week=2, severity="watch"), stands("later", week=2))
    assert [alert.rule for alert in found] == ["later", "late", "fall"]
