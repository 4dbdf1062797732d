"""How a model's figures change as it grows old, so that the retraining interval has evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.bootstrap import Estimate
from models.figure import both
from models.judgement import draw_rows
from models.metric import calibration_slope
from models.ranking import rank_auc
from models.scored import ScoredRows, join_rows
from models.settings import ModelSettings

MONTHS = (1, 3, 6, 12)
MONTH_DAYS = 365.25 / 12


@dataclass(frozen=True)
class Age:
    """Models of one age, and the newest ones on the same rows.

    Parameters
    ----------
    rows, positives : int
        Test rows that some model of this age could score.
    auc, slope : Estimate
        AUC within as-of dates and calibration slope of the models of this age.
    difference : Estimate
        Their AUC less that of the newest models of those dates, paired: below 0 is what age costs.
    """

    rows: int
    positives: int
    auc: Estimate
    slope: Estimate
    difference: Estimate

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell backtest --json``."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            **both("auc", self.auc),
            "calibration": both("slope", self.slope),
            **both("difference", self.difference),
        }


def compare_ages(
    newest: ScoredRows,
    scored: Sequence[tuple[pd.Timestamp, ScoredRows]],
    settings: ModelSettings,
) -> dict[int, Age]:
    """The figures of models 1, 3, 6 and 12 months old, where there are any.

    Parameters
    ----------
    newest : ScoredRows
        Every tested row, scored by the last model before it.
    scored : sequence of (cut-off, ScoredRows)
        For each model, all tested rows from its cut-off on, in the order of ``newest``.
    settings : ModelSettings
        Replicates and seed.
    """
    found = {}
    for months in MONTHS:
        parts, places = [], []
        for date, chosen in _nearest(newest, [cutoff for cutoff, _ in scored], months):
            rows = scored[chosen][1]
            parts.append(rows.part(rows.as_of == date))
            places.append(np.flatnonzero(newest.as_of == date))
        if parts:
            here = np.zeros(len(newest), dtype=np.bool_)
            here[np.concatenate(places)] = True
            found[months] = _compare(join_rows(parts), newest.part(here), settings)
    return found


def _nearest(
    newest: ScoredRows, cutoffs: Sequence[pd.Timestamp], months: int
) -> list[tuple[np.datetime64, int]]:
    """For each tested date the model whose age is nearest to so many months, within half of one.

    Dates on which there is no newer one are left out.
    """
    found = []
    for date in np.unique(newest.as_of):
        age = np.array([(pd.Timestamp(date) - cutoff).days for cutoff in cutoffs])
        off = np.abs(age - months * MONTH_DAYS)
        best = int(off.argmin())
        # The newest model may be of this age itself: then there is nothing to compare it with.
        if off[best] <= MONTH_DAYS / 2 and age[best] > age[age >= 0].min():
            found.append((date, best))
    return found


def _compare(old: ScoredRows, new: ScoredRows, settings: ModelSettings) -> Age:
    draws = draw_rows(new, settings)
    auc = rank_auc(old.label, old.raw, old.as_of, draws)
    return Age(
        rows=len(old),
        positives=int(old.label.sum()),
        auc=auc.estimate,
        slope=calibration_slope(old.label, old.probability, draws),
        difference=auc.minus(rank_auc(new.label, new.raw, new.as_of, draws)),
    )
