"""Fitting one model: stopping and calibration on accounts left out, then all rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.calibration import fit_calibration
from models.choice import Choice
from models.encoding import Encoding, fit_encoding
from models.monotone import constrain
from models.predictor import Predictor
from models.settings import TrainingSettings
from models.table import FloatArray, ModelTable

if TYPE_CHECKING:
    import lightgbm as lgb
    from lightgbm.callback import CallbackEnv

Progress: TypeAlias = Callable[[str, float], None]
Folds: TypeAlias = list[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]
Parameters: TypeAlias = dict[str, str | int | float | bool]


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A model and how it came about.

    Parameters
    ----------
    predictor : Predictor
        Booster, encoding and calibration.
    params : dict
        LightGBM's parameters, with ``num_iterations`` the number of trees.
    notices : tuple of str
        Features that were left out, and why.
    rows, positives : int
        That it trained on.
    as_of : tuple of Timestamp
        First and last as-of date that it trained on, both inclusive.
    choice : Choice or None
        Of the parameters, when there was a search; it stands in ``params`` and ``notices`` too.
    """

    predictor: Predictor
    params: Parameters
    notices: tuple[str, ...]
    rows: int
    positives: int
    as_of: tuple[pd.Timestamp, pd.Timestamp]
    choice: Choice | None = None


def booster_parameters(
    settings: TrainingSettings, *, rows: int, choice: Choice | None = None
) -> Parameters:
    """LightGBM's parameters: small trees, leaves that grow with the rows, no chance.

    Parameters
    ----------
    settings : TrainingSettings
        What the user set.
    rows : int
        Training rows. An account recurs at many dates, so a leaf needs many rows to hold
        several accounts.
    choice : Choice, optional
        Its parameters take the place of the default.
    """
    leaf = int(np.clip(rows // 100, 10, 100))
    params: Parameters = {
        "objective": "binary",
        "metric": "binary_logloss",
        "num_leaves": settings.leaves,
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": leaf,
        "feature_fraction": 0.8,
        "feature_pre_filter": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.threads,
        "seed": settings.seed,
        "verbosity": -1,
    }
    params |= choice.chosen if choice is not None else {}
    # A category's value needs as many rows as a leaf: an account recurs in both alike.
    return {**params, "min_data_per_group": params["min_data_in_leaf"]}


def assign_folds(
    group: npt.NDArray[np.object_], label: FloatArray, *, folds: int, seed: int
) -> npt.NDArray[np.intp]:
    """The fold of each row, (n,): whole groups, with positives spread evenly.

    Parameters
    ----------
    group : object, (n,)
        Parent, or else account.
    label : float, (n,)
        0 or 1.
    folds, seed : int
        How many folds, and where the generator starts.
    """
    names, codes = np.unique(group.astype(str), return_inverse=True)
    positives = np.bincount(codes, weights=label, minlength=len(names))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    dealt = shuffled[np.argsort(-positives[shuffled], kind="stable")]
    fold = np.empty(len(names), dtype=np.intp)
    fold[dealt] = np.arange(len(names)) % folds
    return fold[codes]


def fit_model(
    table: ModelTable,
    *,
    settings: TrainingSettings,
    choice: Choice | None = None,
    progress: Progress | None = None,
) -> FittedModel:
    """A calibrated model of all rows of the table.

    Group folds tell the number of trees (least mean log loss on the accounts left out) and give
    every row an output of a booster that never saw its account; the calibration is fitted to
    those. Then the booster is fitted to all rows. ``docs/adr/0001`` says why by account.

    Parameters
    ----------
    table : ModelTable
        Mature rows only, of both classes, from at least as many groups as there are folds.
    settings : TrainingSettings
        Recipe.
    choice : Choice, optional
        Of the parameters, by a search on earlier rows than those that will judge the model.
    progress : callable, optional
        Told the step and its share done.
    """
    encoding, notices = fit_encoding(table.features)
    matrix = encoding.encode(table.features)
    label = table.label
    params = booster_parameters(settings, rows=len(table), choice=choice)
    params = constrain(params, encoding, table.traits)
    folds = _folds(table, settings)
    trees, out_of_fold = _cross_fit(matrix, encoding, label, params, folds, settings, progress)
    booster = fit_booster(matrix, label, params, trees=trees, categories=list(encoding.categories))
    as_of = table.rows["as_of"]
    return FittedModel(
        predictor=Predictor(
            booster, encoding, fit_calibration(out_of_fold, label), settings.threads
        ),
        params={**params, "num_iterations": trees},
        notices=(*notices, *([choice.to_text()] if choice and choice.asked else [])),
        rows=len(table),
        positives=int(label.sum()),
        as_of=(as_of.min(), as_of.max()),
        choice=choice,
    )


def fit_booster(
    matrix: pd.DataFrame,
    label: FloatArray,
    params: Parameters,
    *,
    trees: int,
    categories: list[str],
) -> lgb.Booster:
    """A booster with a fixed number of trees.

    Parameters
    ----------
    matrix : DataFrame, (n, k), float64
        Encoded features, NaN missing.
    label : float, (n,)
        0 or 1.
    params : dict
        LightGBM's parameters.
    trees : int
        Boosting rounds.
    categories : list of str
        Columns that hold codes.
    """
    import lightgbm as lgb

    dataset = lgb.Dataset(matrix, label, categorical_feature=categories, params=params)
    return lgb.train(params, dataset, num_boost_round=trees).free_dataset()


def _folds(table: ModelTable, settings: TrainingSettings) -> Folds:
    fold = assign_folds(table.group, table.label, folds=settings.folds, seed=settings.seed)
    return [
        (np.flatnonzero(fold != number), np.flatnonzero(fold == number))
        for number in range(settings.folds)
    ]


def _cross_fit(
    matrix: pd.DataFrame,
    encoding: Encoding,
    label: FloatArray,
    params: Parameters,
    folds: Folds,
    settings: TrainingSettings,
    progress: Progress | None,
) -> tuple[int, FloatArray]:
    """Number of trees, and each row's raw output of the booster that did not see its group."""
    import lightgbm as lgb

    dataset = lgb.Dataset(
        matrix,
        label,
        categorical_feature=list(encoding.categories),
        params=params,
        free_raw_data=False,
    )
    result = lgb.cv(
        params,
        dataset,
        num_boost_round=settings.max_trees,
        folds=folds,
        return_cvbooster=True,
        callbacks=[
            lgb.early_stopping(settings.patience, verbose=False),
            _report_to(progress, settings.max_trees),
        ],
    )
    boosters = cast("lgb.CVBooster", result["cvbooster"])
    trees = int(boosters.best_iteration)
    raw = np.empty(len(matrix))
    for booster, (_, left_out) in zip(boosters.boosters, folds, strict=True):
        raw[left_out] = booster.predict(
            matrix.iloc[left_out],
            raw_score=True,
            num_iteration=trees,
            num_threads=settings.threads,
        )
    return trees, raw


def _report_to(progress: Progress | None, rounds: int) -> Callable[[CallbackEnv], None]:
    def report(env: CallbackEnv) -> None:
        if progress is not None and env.iteration % 10 == 0:
            progress("boosting", env.iteration / rounds)

    return report
