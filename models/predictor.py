"""A booster with what it needs to turn feature rows into probabilities."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from models.calibration import Calibration
from models.contribution import shallow_contributions
from models.encoding import Encoding
from models.table import FloatArray

if TYPE_CHECKING:
    import lightgbm as lgb


@dataclass(frozen=True, eq=False)
class Predictor:
    """What training makes, a bundle holds, and scoring uses.

    Parameters
    ----------
    booster : lightgbm.Booster
        Its features carry the names of ``encoding.columns``.
    encoding : Encoding
        From features to the booster's matrix.
    calibration : Calibration
        From the booster's raw output to log-odds.
    threads : int
        For predicting; one unless the machine is idle.
    """

    booster: lgb.Booster
    encoding: Encoding
    calibration: Calibration
    threads: int = 1

    def raw(self, matrix: pd.DataFrame) -> FloatArray:
        """Raw output, (n,), of an encoded matrix, (n, k)."""
        return self._predict(matrix, raw_score=True)

    def probability(self, features: pd.DataFrame) -> FloatArray:
        """Published probability 0-1, (n,), of feature rows; NaN or None there means missing."""
        return self.calibration.probability(self.raw(self.encoding.encode(features)))

    def raw_contributions(self, matrix: pd.DataFrame) -> FloatArray:
        """SHAP values of the raw output, (n, k + 1); the last column is its expected value."""
        told = shallow_contributions(self.booster, matrix.to_numpy())
        return self._predict(matrix, pred_contrib=True) if told is None else told

    def _predict(self, matrix: pd.DataFrame, **kind: bool) -> FloatArray:
        if len(matrix) == 0:
            width = (0, len(self.encoding.columns) + 1) if "pred_contrib" in kind else (0,)
            return np.zeros(width)
        predicted = self.booster.predict(
            matrix, validate_features=True, num_threads=self.threads, **kind
        )
        return np.asarray(predicted, dtype=np.float64)


def write_predictor(predictor: Predictor) -> str:
    """The predictor as JSON: the booster as LightGBM's text, no pickle."""
    encoding = predictor.encoding
    return json.dumps(
        {
            "model": predictor.booster.model_to_string(),
            "columns": list(encoding.columns),
            "categories": {name: list(known) for name, known in encoding.categories.items()},
            "calibration": [predictor.calibration.slope, predictor.calibration.intercept],
        }
    )


def read_predictor(text: str, *, threads: int = 1) -> Predictor:
    """The predictor in a text of `write_predictor` whose sha256 was checked.

    A tampered booster's text crashes the process.
    """
    import lightgbm as lgb

    found = json.loads(text)
    return Predictor(
        lgb.Booster(model_str=found["model"]),
        Encoding(
            tuple(found["columns"]),
            {name: tuple(known) for name, known in found["categories"].items()},
        ),
        Calibration(*found["calibration"]),
        threads,
    )
