"""What warnings were worth, on a past that fits on a page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.warning_record import ANY, HeldRules, Past, record_warnings
from models.warning_rule import RuleBook

MONTHS = pd.date_range("2025-01-01", "2025-12-01", freq="MS")
END = pd.Timestamp("2026-01-01")
MATURE = END - pd.Timedelta(days=180)


def held(**stood: dict[str, list[int]]) -> HeldRules:
    """Accounts a to d in every month, and by rule and account the months in which it stood."""
    keys = pd.DataFrame([(account, day) for day in MONTHS for account in "abcd"])
    masks = {
        rule: np.array(
            [day.month in months.get(account, []) for account, day in keys.itertuples(index=False)]
        )
        for rule, months in stood.items()
    }
    severity = {rule: "watch" if rule.startswith("watch") else "soon" for rule in stood}
    return HeldRules(keys[0], keys[1], severity, masks)  # type: ignore[arg-type]  # plain texts


def losses(**days: str) -> pd.DataFrame:
    found = pd.DataFrame({"account_id": list(days), "lost_on": list(days.values())})
    return found.assign(lost_on=pd.to_datetime(found["lost_on"]))


def test_precision_recall_and_lead_are_those_counted_by_hand() -> None:
    # a warned three months ahead, b warned eight days ahead, c warned for nothing, d never.
    stood = held(rule={"a": [2, 3], "b": [5], "c": [1, 6]})
    lost = losses(a="2025-05-02", b="2025-05-09", d="2025-06-01")
    record = record_warnings(
        RuleBook((), {"other": "no table"}), stood, lost, mature_until=MATURE, runs_to_close=2
    )
    found = record.rules["rule"]
    # c's condition was clear for four runs, so it warned twice.
    assert (found.warnings, found.followed, found.false_alarms) == (4, 2, 2)
    assert (found.losses, found.preceded, found.days_ahead) == (3, 1, 90.0)
    assert found.to_json()["precision"] == 0.5
    assert found.to_json()["recall"] == pytest.approx(1 / 3)
    assert found.standing == pytest.approx(5 / 48)
    assert record.to_json()["off"] == {"other": "no table"}


def test_a_warning_too_young_to_know_what_followed_is_not_counted() -> None:
    stood = held(rule={"a": [11]})
    record = record_warnings(
        RuleBook((), {}), stood, losses(), mature_until=MATURE, runs_to_close=2
    )
    assert record.rules["rule"].warnings == 0
    assert record.rules["rule"].to_json()["precision"] is None


def test_one_clear_run_does_not_end_a_warning_and_two_do() -> None:
    stood = held(rule={"a": [1, 3, 6]})
    past = Past(stood, losses(), MATURE)
    opened = [one.opened.month for one in past.episodes(stood.masks["rule"], runs_to_close=2)]
    assert opened == [1, 6]


def test_what_is_only_kept_in_view_is_not_among_any() -> None:
    stood = held(watched={"d": [1]}, loud={"a": [1]})
    record = record_warnings(
        RuleBook((), {}), stood, losses(a="2025-04-01"), mature_until=MATURE, runs_to_close=2
    )
    assert record.rules[ANY].warnings == 1
    assert record.rules[ANY].preceded == 1


def test_the_base_rate_is_that_of_all_accounts_on_all_mature_dates() -> None:
    record = record_warnings(
        RuleBook((), {}),
        held(rule={}),
        losses(a="2025-03-01"),
        mature_until=MATURE,
        runs_to_close=2,
    )
    # a on 1 January and 1 February, of four accounts on seven mature dates
    assert record.base_rate == pytest.approx(2 / 28)
    assert record.rules["rule"].preceded == 0


def test_a_loss_of_an_account_that_was_never_watched_early_is_no_miss() -> None:
    record = record_warnings(
        RuleBook((), {}),
        held(rule={}),
        losses(a="2025-01-20"),
        mature_until=MATURE,
        runs_to_close=2,
    )
    assert record.rules["rule"].losses == 0
