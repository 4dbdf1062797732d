"""Rows with what a model and the baselines say of them, from none of which they were learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.baseline import BASE_RATE, score_baselines
from models.settings import TrainingSettings
from models.table import ROW_COLUMNS, BoolArray, FloatArray, ModelTable
from models.training import FittedModel


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Mature rows of one model with the scores by which they are judged.

    Parameters
    ----------
    rows : DataFrame, (n, …)
        As ``ModelTable.rows``.
    raw : float, (n,)
        The booster's output. Comparable within an as-of date only: other dates may have been
        scored by another fit.
    probability : float, (n,)
        Calibrated, 0-1.
    baselines : mapping of str to float, (n,) or (n, k)
        Scores of each baseline, or of each order that it was tried in; ``base_rate`` is the share
        of positives that was known at training, of the rows that are asked about.
    fold : int, (n,), optional
        Which fit scored the row, where several scored rows of one date: only rows of the same fit
        are compared.
    """

    rows: pd.DataFrame
    raw: FloatArray
    probability: FloatArray
    baselines: Mapping[str, FloatArray]
    fold: npt.NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def label(self) -> FloatArray:
        """Labels 0 or 1, (n,)."""
        return self.rows["label"].to_numpy(dtype=np.float64)

    @property
    def arr(self) -> FloatArray:
        """ARR in the reporting currency, (n,); NaN unknown."""
        return self.rows["arr"].to_numpy(dtype=np.float64, na_value=np.nan)

    @property
    def as_of(self) -> npt.NDArray[np.generic]:
        """As-of dates, (n,) datetime64."""
        return self.rows["as_of"].to_numpy()

    @property
    def stratum(self) -> npt.NDArray[np.generic]:
        """Rows that may be compared with each other, (n,): by as-of date and by fit."""
        if self.fold is None:
            return self.as_of
        date = np.unique(self.as_of, return_inverse=True)[1]
        return np.asarray(date * (int(self.fold.max(initial=0)) + 1) + self.fold)

    @property
    def independent_share(self) -> float:
        """Share, 0-1, of the groups that count for the width of an interval.

        Where each part is scored by a fit to the other parts, what is there by chance in one part
        is learnt and found again in another, so a figure varies more than its rows tell: k parts
        by a factor ``1 + k / (k - 1)`` of the variance.

        References
        ----------
        Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error.
        """
        if self.fold is None:
            return 1.0
        parts = max(2, len(np.unique(self.fold)))
        return 1.0 / (1.0 + parts / (parts - 1))

    @property
    def group(self) -> npt.NDArray[np.object_]:
        """Parent, or else account, (n,)."""
        return self.rows["group_id"].to_numpy(dtype=np.object_)

    @property
    def prior(self) -> FloatArray:
        """The share of positives that was known at training, (n,)."""
        return self.baselines[BASE_RATE]

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """Columns by which the figures are also given."""
        return tuple(str(name) for name in self.rows.columns if name not in ROW_COLUMNS)

    def part(self, chosen: BoolArray) -> ScoredRows:
        """The chosen rows; bool, (n,)."""
        return ScoredRows(
            self.rows.loc[chosen].reset_index(drop=True),
            self.raw[chosen],
            self.probability[chosen],
            {name: score[chosen] for name, score in self.baselines.items()},
            None if self.fold is None else self.fold[chosen],
        )


def score_rows(fitted: FittedModel, rows: ModelTable) -> ScoredRows:
    """The rows as the model sees them, with the base rate as the one baseline.

    Parameters
    ----------
    fitted : FittedModel
        Learnt from none of the rows.
    rows : ModelTable
        Mature rows.
    """
    predictor = fitted.predictor
    raw = predictor.raw(predictor.encoding.encode(rows.features))
    prior = np.full(len(rows), fitted.positives / fitted.rows)
    return ScoredRows(rows.rows, raw, predictor.calibration.probability(raw), {BASE_RATE: prior})


def score_beside_baselines(
    fitted: FittedModel, train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> ScoredRows:
    """The test rows as the model sees them, and all baselines, learnt from the same rows as it.

    Parameters
    ----------
    fitted : FittedModel
        Learnt from ``train``.
    train, test : ModelTable
        Mature rows; no label of ``train`` was known later than the first date of ``test``.
    settings : TrainingSettings
    """
    baselines = score_baselines(train, test, settings=settings)
    return replace(score_rows(fitted, test), baselines=baselines)


def join_rows(parts: Sequence[ScoredRows]) -> ScoredRows:
    """The rows of several folds together; at least one part."""
    folds = [part.fold for part in parts if part.fold is not None]
    return ScoredRows(
        pd.concat([part.rows for part in parts], ignore_index=True),
        np.concatenate([part.raw for part in parts]),
        np.concatenate([part.probability for part in parts]),
        {
            name: np.concatenate([part.baselines[name] for part in parts])
            for name in parts[0].baselines
            if all(name in part.baselines for part in parts)
        },
        np.concatenate(folds) if len(folds) == len(parts) else None,
    )
