"""Leaks are found and named; what is honest is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.gate import Decision
from models.leak import ROWS, Leaks, find_leaks, heed, share_leaks
from models.presence import telling_rows
from models.recipe import train_model
from models.table import FloatArray, ModelTable, Trait
from models.trained import Skipped, Trained
from models.training import fit_model
from tests.model_rows import QUICK, make_table, with_rows

GOOD = Decision("better than chance and than the baselines", True, ("a reason",))


def mature(table: ModelTable) -> ModelTable:
    return table.part(table.mature)


def with_feature(table: ModelTable, name: str, values: pd.Series | FloatArray) -> ModelTable:
    return replace(table, features=table.features.assign(**{name: values}))


def leaks_of(table: ModelTable) -> Leaks:
    table = mature(table)
    return find_leaks(table, fit_model(table, settings=QUICK.training).predictor)


def test_an_honest_table_has_no_leak() -> None:
    assert leaks_of(make_table(signal=1.2)).stops == ()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_number_that_tells_the_label_stops_and_is_named(sign: float) -> None:
    table = make_table()
    noise = np.random.default_rng(1).normal(size=len(table))
    found = leaks_of(with_feature(table, "exit_risk", sign * (8 * table.label + noise)))
    assert found.names == ("exit_risk",)
    assert "exit_risk alone tells the label: AUC 1.000" in found.stops[0]
    assert "leave_out" in found.stops[0]
    assert found.verdict == "a feature holds the answer: exit_risk"
    assert "exit_risk has " in found.warnings[0]


def test_a_category_that_tells_the_label_stops_and_one_of_many_values_does_not() -> None:
    table = make_table()
    leak = pd.Series(np.where(table.label == 1.0, "closed", "open"), dtype=object)
    table = with_feature(table, "phase", leak)
    table = with_feature(table, "town", table.rows["account_id"].astype(object))
    assert leaks_of(table).names == ("phase",)


def test_a_feature_of_agreed_dates_may_tell_much_but_dominance_is_said() -> None:
    table = make_table()
    days = 100.0 - 90.0 * table.label + np.random.default_rng(1).normal(size=len(table))
    table = with_feature(table, "days_to_end", days)
    table = replace(table, traits={"days_to_end": Trait("contract", agreed=True)})
    found = leaks_of(table)
    assert found.stops == ()
    assert "days_to_end has " in found.warnings[0]
    assert "agreed dates" in found.warnings[0]


def test_features_filled_only_where_the_label_is_one_are_named_together() -> None:
    table = make_table()
    chance = np.random.default_rng(1)
    filled = (table.label == 1.0) & (chance.random(len(table)) < 0.3)
    for name in ("exit_call", "exit_note"):
        table = with_feature(table, name, np.where(filled, chance.normal(size=len(table)), np.nan))
    found = leaks_of(table)
    assert found.names == ("exit_call", "exit_note")
    assert "that exit_call and exit_note are missing or not tells the label" in found.stops[0]
    assert "100 % have label 1" in found.stops[0]


def test_gaps_that_rank_the_rows_stop() -> None:
    table = make_table()
    filled = (table.label == 1.0) | (np.random.default_rng(1).random(len(table)) < 0.05)
    found = leaks_of(with_feature(table, "callback", np.where(filled, 1.0, np.nan)))
    assert found.names == ("callback",)
    assert "within as-of dates" in found.stops[0]


def test_gaps_by_chance_in_a_few_accounts_do_not_stop() -> None:
    table = make_table()
    few = table.rows["account_id"].isin([f"A{number}" for number in range(5)]).to_numpy()
    rare = (table.label == 1.0) & few
    assert leaks_of(with_feature(table, "rare", np.where(rare, 1.0, np.nan))).stops == ()


def leavers(table: ModelTable) -> pd.Series:
    """The first date on which each account has label 1, on each of its rows; NaT: it stays."""
    one = table.rows["as_of"].where(table.label == 1.0)
    return one.groupby(table.rows["account_id"]).transform("min")


def honest_churn() -> ModelTable:
    """Accounts that leave once, with three positive rows before they go and none after."""
    table = mature(make_table(accounts=300, signal=0.0))
    frame = table.rows
    chance = np.random.default_rng(2)
    number = frame["account_id"].str[1:].astype(int).to_numpy()
    last = np.where(chance.random(300) < 0.5, chance.integers(0, 20, 300), 99)[number]
    start = chance.integers(-20, 12, 300)[number]
    month = (frame["as_of"].dt.year - 2024) * 12 + frame["as_of"].dt.month.to_numpy() - 1
    table = with_rows(
        table,
        label=((month > last - 3) & (month <= last)).to_numpy().astype(float),
        tenure_days=(30.5 * (month - start)).to_numpy(),
    )
    return table.part(((month <= last) & (month >= start)).to_numpy())


def test_survivors_may_have_more_rows_than_leavers() -> None:
    assert telling_rows(honest_churn()) is None


def test_leavers_observed_only_when_they_leave_are_found() -> None:
    table = honest_churn()
    left = leavers(table)
    chosen = left.isna() | (table.label == 1.0)
    found = telling_rows(table.part(chosen.to_numpy()))
    assert found is not None
    assert "observed before" in found


def test_leavers_on_their_last_day_and_others_today_are_found() -> None:
    table = honest_churn()
    left = leavers(table)
    today = table.rows["as_of"].max()
    chosen = (table.rows["as_of"] == left) | (left.isna() & (table.rows["as_of"] == today))
    found = telling_rows(table.part(chosen.to_numpy()))
    assert found is not None
    assert "observe everyone on the same dates" in found
    outcome = train_model(table.part(chosen.to_numpy()), QUICK)
    assert isinstance(outcome, Skipped)
    assert "the as-of date alone tells the label" in outcome.reason


def test_leavers_on_days_off_the_grid_are_found() -> None:
    table = honest_churn()
    left = leavers(table)
    # Some leavers are on the grid as well, so that the dates tell only part of the labels.
    off = (table.rows["as_of"] == left) & (table.rows["account_id"].str[-1] < "5")
    days = np.random.default_rng(3).integers(1, 27, len(table))
    moved = table.rows["as_of"] + pd.to_timedelta(np.where(off, days, 0), unit="D")
    found = telling_rows(with_rows(table, as_of=moved))
    assert found is not None
    assert "which dates have rows" in found


def test_a_stop_is_the_verdict_and_a_warning_a_reason() -> None:
    stopped = heed(GOOD, Leaks(("x tells",), ("y weighs",), ("x",)))
    assert (stopped.promoted, stopped.verdict) == (False, "a feature holds the answer: x")
    assert stopped.reasons == ("x tells", "a reason", "y weighs")
    warned = heed(GOOD, Leaks(warnings=("y weighs",)))
    assert (warned.promoted, warned.reasons) == (True, ("a reason", "y weighs"))
    rows = heed(GOOD, Leaks(("z",), (), (ROWS,)))
    assert rows.verdict == "the rows themselves hold the answer"


def test_the_card_says_what_was_found_or_that_nothing_was() -> None:
    assert Leaks(("x tells",), ("y weighs",), ("x",)).words == "x tells; y weighs"
    assert Leaks().words.startswith("No: none alone has an AUC over 0.95")
    assert "as-of dates" in Leaks().words
    assert "as-of" not in Leaks(dated=False).words


def test_a_model_with_a_leak_is_trained_but_not_promoted() -> None:
    table = make_table()
    known = np.nan_to_num(table.label)
    outcome = train_model(with_feature(table, "churned_later", known), QUICK)
    assert isinstance(outcome, Trained)
    assert not outcome.report.decision.promoted
    assert outcome.report.decision.verdict == "a feature holds the answer: churned_later"
    assert outcome.report.to_json()["leaks"] == outcome.report.leaks.to_json()


def test_a_plan_may_tell_as_much_as_the_agreed_dates_behind_it() -> None:
    table = make_table()
    chance = np.random.default_rng(1)
    soon = np.where(chance.random(len(table)) < 0.03, 1.0 - table.label, table.label)
    plan = pd.Series(np.where(soon == 1.0, "monthly", "annual"), dtype=object)
    table = with_feature(with_feature(table, "days_to_end", -soon), "plan", plan)
    assert leaks_of(table).names == ("days_to_end", "plan")
    table = replace(table, traits={"days_to_end": Trait("contract", agreed=True)})
    assert leaks_of(table).stops == ()


def test_a_number_that_tells_the_label_in_any_order_stops_and_is_named() -> None:
    table = make_table()
    generator = np.random.default_rng(2)
    side = np.where(generator.random(len(table)) < 0.5, -1.0, 1.0)
    far = np.where(np.nan_to_num(table.label) == 1.0, 6.0 * side, 0.0)
    found = leaks_of(with_feature(table, "code", far + generator.normal(size=len(table))))
    assert found.names == ("code",)


def test_what_tells_one_label_stops_the_other_model_that_uses_it() -> None:
    found = share_leaks(
        {"churn": Leaks(), "renewal": Leaks(("tag7 alone tells the label",), (), ("tag7", ROWS))},
        {"churn": ["usage", "tag7"], "renewal": ["usage", "tag7"]},
    )
    assert found["churn"].names == ("tag7",)
    assert "tag7 holds the answer of the renewal model" in found["churn"].stops[0]
    assert found["renewal"].stops == ("tag7 alone tells the label",)
    assert heed(GOOD, found["churn"]).verdict == "a feature holds the answer: tag7"


def test_a_model_without_the_telling_feature_is_left_alone() -> None:
    found = share_leaks(
        {"churn": Leaks(), "renewal": Leaks(("a stop",), (), ("tag7",))},
        {"churn": ["usage"], "renewal": ["tag7"]},
    )
    assert found["churn"] == Leaks()


def test_heeding_twice_says_everything_once() -> None:
    leaks = Leaks(("a stop",), ("a warning",), ("tag7",))
    once = heed(GOOD, leaks)
    assert heed(once, leaks) == once
