"""Judging a model on rows later than everything it learnt from."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.baseline import LOGISTIC_REGRESSION
from models.bootstrap import Bootstrap, Estimate, draw_groups
from models.gate import decide
from models.metric import brier, calibration_intercept, calibration_slope
from models.ranking import Ranked, rank_auc, rank_average_precision
from models.report import LEAST_SLICE_ROWS, Comparison, Report, Skill, Window
from models.settings import TrainingSettings
from models.table import BoolArray, FloatArray, ModelTable
from models.training import FittedModel

UNKNOWN = Estimate(math.nan, math.nan, math.nan)
KEPT_COLUMNS = ["account_id", "group_id", "contract_id", "as_of", "label"]


def evaluate(
    fitted: FittedModel,
    test: ModelTable,
    baselines: Mapping[str, FloatArray],
    *,
    settings: TrainingSettings,
    ranks: bool = True,
) -> Report:
    """The report of a model on its test rows.

    Parameters
    ----------
    fitted : FittedModel
        Learnt from rows whose labels were known by the first test date.
    test : ModelTable
        Mature headline rows.
    baselines : mapping of str to float, (n_test,)
        Scores of each baseline on the same rows.
    settings : TrainingSettings
        Replicates and seed.
    ranks : bool
        False when the model to be shipped does not rank the accounts left out of its fit.
    """
    predictor = fitted.predictor
    raw = predictor.raw(predictor.encoding.encode(test.features))
    probability = predictor.calibration.probability(raw)
    draws = draw_groups(test.group, replicates=settings.replicates, seed=settings.seed)
    as_of = test.rows["as_of"].to_numpy()
    # Ranked by the raw output: the same order, and still the booster's where the slope is not > 0.
    model_auc = rank_auc(test.label, raw, as_of, draws)
    comparisons = {
        name: _compare(model_auc, test, score, draws) for name, score in baselines.items()
    }
    logistic = comparisons.get(LOGISTIC_REGRESSION)
    return Report(
        model=test.model,
        skill=_skill(test, raw, draws, auc=model_auc),
        brier=brier(test.label, probability),
        calibration_slope=calibration_slope(test.label, probability, draws),
        calibration_intercept=calibration_intercept(test.label, probability),
        baselines=comparisons,
        slices={name: _slices(test, raw, draws, name) for name in test.slice_columns},
        train=Window(*fitted.as_of, fitted.rows, fitted.positives),
        test=_window(test),
        predictions=_predictions(test, probability),
        decision=decide(
            model_auc.estimate,
            {name: comparison.difference for name, comparison in comparisons.items()},
            ranks=ranks and predictor.calibration.ranks,
            logistic=None if logistic is None else logistic.difference,
        ),
        notices=fitted.notices,
    )


def _compare(
    model_auc: Ranked, test: ModelTable, score: FloatArray, draws: Bootstrap
) -> Comparison:
    auc = rank_auc(test.label, score, test.rows["as_of"].to_numpy(), draws)
    precision = rank_average_precision(test.label, score, draws)
    return Comparison(auc.estimate, precision.estimate, model_auc.minus(auc))


def _skill(
    test: ModelTable, raw: FloatArray, draws: Bootstrap, *, auc: Ranked | None = None
) -> Skill:
    if auc is None:
        auc = rank_auc(test.label, raw, test.rows["as_of"].to_numpy(), draws)
    precision = rank_average_precision(test.label, raw, draws)
    return Skill(len(test), int(test.label.sum()), auc.estimate, precision.estimate)


def _slices(test: ModelTable, raw: FloatArray, draws: Bootstrap, column: str) -> dict[str, Skill]:
    """The skill within each value of a column, the largest first."""
    values = test.rows[column].astype(object).where(test.rows[column].notna(), "unknown")
    found: dict[str, Skill] = {}
    for value in values.value_counts().index:
        chosen: BoolArray = (values == value).to_numpy(dtype=np.bool_)
        part = test.part(chosen)
        if len(part) < LEAST_SLICE_ROWS:
            found[str(value)] = Skill(len(part), int(part.label.sum()), UNKNOWN, UNKNOWN)
        else:
            found[str(value)] = _skill(part, raw[chosen], draws.part(chosen))
    return found


def _window(test: ModelTable) -> Window:
    as_of = test.rows["as_of"]
    return Window(as_of.min(), as_of.max(), len(test), int(test.label.sum()))


def _predictions(test: ModelTable, probability: FloatArray) -> pd.DataFrame:
    kept = test.rows[[*KEPT_COLUMNS, *test.slice_columns]]
    return kept.assign(probability=probability)
