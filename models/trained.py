"""What a training leaves behind: a judged model and the one to ship, or why there is none."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.refit import Refits
from models.report import Report
from models.settings import ModelSettings
from models.table import ModelTable
from models.training import FittedModel

GOLDEN_ROWS = 8


@dataclass(frozen=True)
class Skipped:
    """A model that could not be trained, and why, in one sentence for the user."""

    model: str
    reason: str

    def to_json(self) -> dict[str, object]:
        """What ``keepwell run --json`` prints for this model."""
        return {"skipped": self.reason}


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model.

    Parameters
    ----------
    model : str
        ``churn`` or ``renewal``.
    judged : FittedModel
        Of the training rows; the report is about it. Of rows without dates it is the shipped one,
        and the report is about the same recipe on accounts left out.
    shipped : FittedModel
        The same recipe on all mature rows; it scores.
    report : Report
        On the test rows.
    train, test : ModelTable
        The rows that ``judged`` learnt from, and those behind the report, for plots.
    recent : ModelTable
        All rows of the latest as-of dates, mature or not.
    recipe : str
        sha256 of what makes the recipe; a refresh has the same.
    refits : Refits or None
        Of the shipped model, for the intervals of its probabilities.
    """

    model: str
    judged: FittedModel
    shipped: FittedModel
    report: Report
    train: ModelTable
    test: ModelTable
    recent: ModelTable
    recipe: str
    refits: Refits | None = None

    @property
    def golden(self) -> pd.DataFrame:
        """Up to 8 feature rows by which a bundle proves that it predicts as it did."""
        places = np.linspace(0, len(self.test) - 1, min(GOLDEN_ROWS, len(self.test))).astype(int)
        return self.test.features.iloc[places]


def recipe_of(table: ModelTable, settings: ModelSettings) -> str:
    """sha256 of what a model is made of but for the data: label, features and training.

    Parameters
    ----------
    table : ModelTable
    settings : ModelSettings
    """
    made_of = {
        "model": table.model,
        "horizon_days": table.horizon_days or 0,
        "lead_days": table.lead_days or 0,
        "features": sorted(map(str, table.features.columns)),
        "directions": {n: t.direction for n, t in sorted(table.traits.items()) if t.direction},
        "training": settings.training.model_dump(exclude={"threads", "replicates", "refits"}),
        "tuning": settings.tuning.model_dump(),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
