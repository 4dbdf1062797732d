"""Rules by which no probability is given, and the error of what they withhold."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.settings import AbstentionSettings
from models.abstention import RULES, find_abstentions
from models.account_score import ABSTENTIONS
from models.bootstrap import draw_groups
from models.refit import Interval, no_interval
from models.report import Report
from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable
from models.withheld import Withheld, compare, judge_abstention
from tests.integration.trained import trained_model
from tests.model_rows import make_table, with_rows

RULE_SETTINGS = AbstentionSettings(min_history_days=28, max_width=0.5)


@pytest.mark.parametrize(
    ("tenure", "low", "high", "reason"),
    [
        (27.0, 0.1, 0.2, "too_little_history"),
        (28.0, 0.1, 0.2, None),
        (400.0, 0.1, 0.6, None),
        (400.0, 0.1, 0.61, "interval_too_wide"),
        (5.0, 0.0, 1.0, "too_little_history"),
        (np.nan, 0.1, 0.2, None),
        (400.0, np.nan, np.nan, None),
    ],
)
def test_the_first_rule_that_applies_withholds_and_what_is_unknown_never_does(
    tenure: float, low: float, high: float, reason: str | None
) -> None:
    interval = Interval(np.array([low]), np.array([high]))
    assert find_abstentions(np.array([tenure]), interval, settings=RULE_SETTINGS)[0] == reason


def test_every_rule_has_a_name_that_the_snapshot_knows_and_says_its_limit() -> None:
    assert tuple(rule.name for rule in RULES) == ABSTENTIONS
    settings = AbstentionSettings(min_history_days=14, max_width=0.35)
    assert [rule.describe(settings) for rule in RULES] == [
        "a customer for less than 14 days",
        "the interval of the probability is wider than 0.35",
    ]


def test_limits_of_nought_days_and_of_the_whole_width_withhold_nothing() -> None:
    interval = Interval(np.zeros(2), np.ones(2))
    settings = AbstentionSettings(min_history_days=0, max_width=1.0)
    assert list(find_abstentions(np.array([0.0, 9.0]), interval, settings=settings)) == [None, None]


def four_rows() -> ModelTable:
    table = make_table(accounts=4, months=1)
    return with_rows(
        table, label=np.array([1.0, 0.0, 1.0, 0.0]), label_known_at=table.rows["as_of"]
    )


def compared(reasons: list[str | None]) -> Withheld:
    table = four_rows()
    return compare(
        table,
        np.array([0.8, 0.1, 0.5, 0.5]),
        no_interval(4),
        np.array(reasons, dtype=object),
        draws=draw_groups(table.group, replicates=50, seed=0),
        rules=RULE_SETTINGS,
        refits=0,
    )


def test_the_error_of_the_withheld_stands_beside_that_of_the_answered() -> None:
    found = compared([None, None, "interval_too_wide", "interval_too_wide"])
    assert (found.answered.rows, found.abstained.rows, found.abstained.share) == (2, 2, 0.5)
    assert found.answered.brier.value == pytest.approx((0.2**2 + 0.1**2) / 2)
    assert found.answered.brier_skill.value == pytest.approx(1 - 0.025 / 0.25)
    assert found.abstained.brier.value == pytest.approx(0.25)
    assert found.abstained.brier_skill.value == pytest.approx(0.0)
    assert found.abstained.log_loss.value == pytest.approx(np.log(2))
    assert found.by_rule["interval_too_wide"] == found.abstained
    assert found.by_rule["too_little_history"].rows == 0
    assert found.sentence == (
        "no probability for 50.0% of the test rows: 50.0% interval too wide "
        "(Brier skill +0.00); +0.90 on the others, whose AUC is unknown"
    )


def test_what_cannot_be_told_is_null_in_the_json() -> None:
    found = compared([None] * 4)
    assert found.sentence == "no test row is without a probability"
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert told["abstained"]["rows"] == 0
    assert told["abstained"]["brier"] is None
    assert told["answered"]["auc"] is None
    assert (told["mean_width"], told["tenths_that_agree"], told["refits"]) == (None, None, 0)


def test_the_report_tells_the_share_and_error_by_rule_with_the_refits_of_the_judged_model() -> None:
    report: Report = trained_model().report
    assert report.abstention is not None
    told = report.to_json()["abstention"]
    assert told == report.abstention.to_json()
    found = report.abstention
    assert found.refits == ModelSettings().training.refits
    assert found.answered.rows + found.abstained.rows == report.skill.rows
    assert sum(part.rows for part in found.by_rule.values()) == found.abstained.rows
    assert len(found.tenths) == 10
    assert 0 < told["mean_width"] < 1


def test_the_rows_that_judge_are_held_to_the_same_rules_as_accounts() -> None:
    trained = trained_model()
    young = with_rows(trained.test, tenure_days=np.full(len(trained.test), 3.0))
    found = judge_abstention(
        young,
        trained.report.predictions["probability"].to_numpy(),
        no_interval(len(young)),
        rules=RULE_SETTINGS,
        settings=TrainingSettings(replicates=50),
        refits=0,
    )
    assert found.by_rule["too_little_history"].rows == len(young)
    assert found.answered.rows == 0
