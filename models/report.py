"""What is known about one trained model, and the JSON that other programs read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from models.bootstrap import Estimate
from models.gate import Decision

if TYPE_CHECKING:
    from models.withheld import Withheld

LEAST_SLICE_ROWS = 100


@dataclass(frozen=True)
class Skill:
    """How well some test rows are ranked.

    Parameters
    ----------
    rows, positives : int
        Test rows, and those with label 1.
    auc, average_precision : Estimate
        NaN where they cannot be told: a slice has fewer than 100 rows, or rows of one class.
    """

    rows: int
    positives: int
    auc: Estimate
    average_precision: Estimate

    @property
    def base_rate(self) -> float:
        """Share of positives, 0-1; NaN without rows."""
        return self.positives / self.rows if self.rows else math.nan

    @property
    def note(self) -> str | None:
        """Why a slice of these rows is not ranked: ``too small``, ``one class only``, or None."""
        if self.rows < LEAST_SLICE_ROWS:
            return "too small"
        return "one class only" if self.positives in (0, self.rows) else None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "rows": self.rows,
            "positives": self.positives,
            "base_rate": number(self.base_rate),
            "auc": number(self.auc.value),
            "auc_interval": interval(self.auc),
            "average_precision": number(self.average_precision.value),
            "average_precision_interval": interval(self.average_precision),
        }


@dataclass(frozen=True)
class Comparison:
    """A baseline on the same test rows; ``difference`` is the model's AUC minus its own."""

    auc: Estimate
    average_precision: Estimate
    difference: Estimate

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "auc": number(self.auc.value),
            "auc_interval": interval(self.auc),
            "average_precision": number(self.average_precision.value),
            "average_precision_interval": interval(self.average_precision),
            "difference": number(self.difference.value),
            "difference_interval": interval(self.difference),
        }


@dataclass(frozen=True)
class Window:
    """As-of dates, both inclusive, with the rows and positives between them."""

    first: pd.Timestamp
    last: pd.Timestamp
    rows: int
    positives: int

    def to_json(self) -> dict[str, object]:
        """Dates as ISO strings."""
        return {
            "first_as_of": self.first.date().isoformat(),
            "last_as_of": self.last.date().isoformat(),
            "rows": self.rows,
            "positives": self.positives,
        }


@dataclass(frozen=True, eq=False)
class Report:
    """One model's test, its baselines and the decision.

    Parameters
    ----------
    model : str
        ``churn`` or ``renewal``.
    skill : Skill
        On all headline rows of the test part.
    brier : float
        Mean squared error of the probabilities.
    calibration_slope : Estimate
        1 is right; NaN when it cannot be told.
    calibration_intercept : float
        0 is right.
    baselines : mapping of str to Comparison
    slices : mapping of column to mapping of value to Skill
        Numbers first and rising, ``unknown`` for a missing value last. The lead bands also hold
        ``overdue``: rows of the same dates that are in no other figure.
    train, test : Window
        What the model learnt from and what it was judged on.
    predictions : DataFrame, (n_test, …)
        ``account_id``, ``group_id``, ``contract_id``, ``as_of``, ``label``, ``probability``, the
        slice columns, and ``probability_low`` and ``probability_high`` (NaN: not told).
    decision : Decision
        Verdict, whether to promote, and why.
    abstention : Withheld or None
        The rows that would have got no probability; all other figures count them too.
    """

    model: str
    skill: Skill
    brier: float
    calibration_slope: Estimate
    calibration_intercept: float
    baselines: Mapping[str, Comparison]
    slices: Mapping[str, Mapping[str, Skill]]
    train: Window
    test: Window
    predictions: pd.DataFrame
    decision: Decision
    notices: tuple[str, ...] = ()
    abstention: Withheld | None = None

    def to_json(self) -> dict[str, object]:
        """What ``keepwell run --json`` prints for this model; null where a figure is unknown."""
        return {
            **self.skill.to_json(),
            "brier": number(self.brier),
            "calibration": {
                "slope": number(self.calibration_slope.value),
                "slope_interval": interval(self.calibration_slope),
                "intercept": number(self.calibration_intercept),
            },
            "baselines": {name: found.to_json() for name, found in self.baselines.items()},
            "slices": {
                column: {value: _slice_json(skill) for value, skill in values.items()}
                for column, values in self.slices.items()
            },
            "train": self.train.to_json(),
            "test": self.test.to_json(),
            "verdict": self.decision.verdict,
            "promoted": self.decision.promoted,
            "reasons": list(self.decision.reasons),
            "notices": list(self.notices),
            "abstention": None if self.abstention is None else self.abstention.to_json(),
        }


def _slice_json(skill: Skill) -> dict[str, object]:
    return skill.to_json() | ({} if skill.note is None else {"note": skill.note})


def number(value: float) -> float | None:
    """The value, or None when it is not a finite number: NaN has no place in JSON."""
    return float(value) if math.isfinite(value) else None


def interval(found: Estimate) -> list[float] | None:
    """Both ends, or None when either is unknown."""
    low, high = number(found.low), number(found.high)
    return None if low is None or high is None else [low, high]
