"""How well a model ranks and how true its probabilities are, on one set of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from models.bootstrap import Bootstrap, Estimate
from models.figure import UNKNOWN, both, number
from models.metric import (
    arr_ratio,
    brier,
    brier_skill,
    calibration_intercept,
    calibration_slope,
    log_loss,
)
from models.ranking import Ranked, order_rows, rank_auc, rank_average_precision
from models.scored import ScoredRows
from models.settings import ModelSettings
from models.top import Top, judge_tops

LEAST_ROWS = 100
LEAST_OF_A_CLASS = 10


@dataclass(frozen=True)
class Skill:
    """The figures of some rows; NaN where they cannot be told.

    Parameters
    ----------
    rows, positives : int
        Judged rows, and those with label 1.
    auc, average_precision : Estimate
        AUC within as-of dates; average precision of the probabilities over all rows.
    brier, brier_skill, log_loss : Estimate
        Errors of the probabilities; the skill is over the share of positives known at training.
    calibration_slope, calibration_intercept : Estimate
        1 and 0 are right.
    arr_ratio : Estimate
        ARR that was lost over the loss expected of it; 1 is right, NaN without ARR.
    tops : mapping of str to Top
        What is at the top of the ranking: ``5_percent``, ``10_percent`` and ``capacity``.
    """

    rows: int
    positives: int
    auc: Estimate = UNKNOWN
    average_precision: Estimate = UNKNOWN
    brier: Estimate = UNKNOWN
    brier_skill: Estimate = UNKNOWN
    log_loss: Estimate = UNKNOWN
    calibration_slope: Estimate = UNKNOWN
    calibration_intercept: Estimate = UNKNOWN
    arr_ratio: Estimate = UNKNOWN
    tops: Mapping[str, Top] = field(default_factory=dict)

    @property
    def base_rate(self) -> float:
        """Share of positives, 0-1; NaN without rows."""
        return self.positives / self.rows if self.rows else math.nan

    @property
    def note(self) -> str | None:
        """Why a slice of these rows is not judged; None when it is.

        ``too small`` with under 100 rows, ``one class only``, ``too few of one class`` with under
        10: a bootstrap of so few tells no interval.
        """
        if self.rows < LEAST_ROWS:
            return "too small"
        if self.positives in (0, self.rows):
            return "one class only"
        rarer = min(self.positives, self.rows - self.positives)
        return "too few of one class" if rarer < LEAST_OF_A_CLASS else None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json`` and ``backtest --json``."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            "base_rate": number(self.base_rate),
            **both("auc", self.auc),
            **both("average_precision", self.average_precision),
            **both("brier", self.brier),
            **both("brier_skill", self.brier_skill),
            **both("log_loss", self.log_loss),
            "calibration": {
                **both("slope", self.calibration_slope),
                **both("intercept", self.calibration_intercept),
                **both("arr_ratio", self.arr_ratio),
            },
            "top": {name: top.to_json() for name, top in self.tops.items()},
        }


def judge_rows(
    scored: ScoredRows, draws: Bootstrap, settings: ModelSettings, *, auc: Ranked | None = None
) -> Skill:
    """All figures of the rows.

    Parameters
    ----------
    scored : ScoredRows
    draws : Bootstrap
        Of the same rows.
    settings : ModelSettings
        The team's capacity and the costs.
    auc : Ranked, optional
        Of the same rows, when it was computed before.
    """
    label, probability = scored.label, scored.probability
    # Ranked by the raw output: the same order, and still the booster's where the slope is not > 0.
    found = auc or rank_auc(label, scored.raw, scored.stratum, draws)
    return Skill(
        rows=len(scored),
        positives=int(label.sum()),
        auc=found.estimate,
        average_precision=rank_average_precision(label, probability, draws).estimate,
        brier=brier(label, probability, draws),
        brier_skill=brier_skill(label, probability, scored.prior, draws),
        log_loss=log_loss(label, probability, draws),
        calibration_slope=calibration_slope(label, probability, draws),
        calibration_intercept=calibration_intercept(label, probability, draws),
        arr_ratio=arr_ratio(label, probability, scored.arr, draws),
        tops=judge_tops(
            label,
            scored.arr,
            order_rows(scored.raw, scored.as_of),
            draws,
            capacity=settings.team.capacity,
            costs=settings.costs,
        ),
    )
