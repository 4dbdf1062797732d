"""What holds a snapshot back: figures, limits and remedies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models.publish_gate import compare_with_served, judge_publish
from models.settings import PublishSettings, RetentionSettings
from models.snapshot_diff import Trace
from models.snapshot_retention import outlived_snapshots

RULES = PublishSettings()


def book(count: int, *, loss: float | None = 0.3, start: int = 0) -> list[Trace]:
    return [
        Trace(f"A{n:03}", "to_decide", loss_probability=loss) for n in range(start, start + count)
    ]


def refusals(
    served: list[Trace], new: list[Trace], rules: PublishSettings = RULES
) -> dict[str, str]:
    problems = judge_publish(compare_with_served(served, new), rules)
    assert all(problem.table == "publish" and "--force" in problem.remedy for problem in problems)
    return {problem.column: problem.rule for problem in problems}


def test_the_same_accounts_with_the_same_risk_pass() -> None:
    assert refusals(book(100), book(100)) == {}
    assert refusals([], book(100)) == {}
    assert refusals([], []) == {}


def test_accounts_that_are_gone_close_two_gates_with_their_figures() -> None:
    assert refusals(book(100), book(80)) == {}
    assert refusals(book(100), book(79)) == {
        "max_fewer": "79 accounts after 100 are 21.0% fewer, more than 20.0%",
        "max_missing": "of the 100 served accounts, 21 are missing (21.0%), more than 20.0%",
    }


def test_accounts_with_new_ids_are_missing_though_as_many() -> None:
    found = refusals(book(100), book(100, start=50))
    assert found == {
        "max_missing": "of the 100 served accounts, 50 are missing (50.0%), more than 20.0%"
    }
    (problem,) = judge_publish(compare_with_served(book(100), book(100, start=50)), RULES)
    assert problem.examples == ("A000", "A001", "A002")


def test_more_than_twice_the_accounts_are_held_back() -> None:
    assert refusals(book(100), book(200)) == {}
    assert refusals(book(100), book(201)) == {
        "max_more": "201 accounts after 100 are 101.0% more, more than 100.0%"
    }


def test_probabilities_that_are_gone_without_a_reason_are_held_back() -> None:
    served, none = book(100), book(100, loss=None)
    assert refusals(served, [*none[:20], *served[20:]]) == {}
    assert refusals(served, [*none[:21], *served[21:]]) == {
        "max_withheld": "of 100 accounts that had a probability and are still to decide, 21 have "
        "none now (21.0%), more than 20.0%"
    }
    renewed = [trace._replace(state="renewed") for trace in none]
    assert refusals(served, renewed) == {}


@pytest.mark.parametrize(("loss", "passes"), [(0.39, True), (0.41, False), (0.19, False)])
def test_the_mean_loss_probability_may_move_so_far(loss: float, passes: bool) -> None:
    found = refusals(book(100), book(100, loss=loss))
    rule = f"of 100 accounts went from 0.300 to {loss:.3f}, by more than 0.1"
    assert found == ({} if passes else {"max_mean_shift": f"the mean loss probability {rule}"})


def test_the_mean_is_over_accounts_of_both_and_not_of_a_few() -> None:
    risky_newcomers = book(90, start=100, loss=0.9)
    assert refusals(book(100), [*book(100), *risky_newcomers]) == {}
    assert refusals(book(19), book(19, loss=0.9)) == {}
    assert set(refusals(book(20), book(20, loss=0.9))) == {"max_mean_shift"}


def test_a_few_accounts_never_close_a_gate_unless_all_are_gone() -> None:
    assert refusals(book(6), book(1)) == {}
    assert set(refusals(book(7), book(1))) == {"max_fewer", "max_missing"}
    assert set(refusals(book(3), [])) == {"max_fewer"}
    strict = PublishSettings(allowed_accounts=0)
    assert set(refusals(book(3), book(2), strict)) == {"max_fewer", "max_missing"}


def test_the_limits_can_be_set_until_every_gate_is_open() -> None:
    limits = {"max_fewer": 1, "max_missing": 1, "max_mean_shift": 1, "max_withheld": 1}
    open_ = PublishSettings.model_validate({**limits, "max_more": 1e9})
    assert refusals(book(100), book(1, loss=0.9), open_) == {}
    assert refusals(book(100), book(100, loss=None), open_) == {}
    assert refusals(book(1), book(300), open_) == {}


NOW = datetime(2026, 11, 1, tzinfo=UTC)
CREATED = {f"S{n}": NOW - timedelta(days=10 - n) for n in range(10)}


@pytest.mark.parametrize(
    ("snapshots", "days", "stay"),
    [
        (None, None, 10),
        (3, None, 3),
        (100, None, 10),
        (None, 4, 4),
        (3, 4, 3),
        (6, 4, 4),
        (1, 1, 1),
    ],
)
def test_a_snapshot_goes_when_it_is_beyond_the_number_or_the_days(
    snapshots: int | None, days: int | None, stay: int
) -> None:
    rules = RetentionSettings(snapshots=snapshots, days=days)
    gone = outlived_snapshots(CREATED, rules, kept=frozenset(), now=NOW)
    assert gone == sorted(CREATED)[: 10 - stay]


def test_what_is_served_and_the_one_before_stay_whatever_the_rules_say() -> None:
    rules = RetentionSettings(snapshots=1, days=1)
    gone = outlived_snapshots(CREATED, rules, kept=frozenset({"S9", "S2"}), now=NOW)
    assert gone == [name for name in sorted(CREATED) if name not in ("S9", "S2")]
