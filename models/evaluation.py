"""Judging a model on rows later than everything it learnt from."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from models.baseline import LOGISTIC_REGRESSION
from models.bootstrap import Bootstrap, Estimate, draw_groups
from models.gate import decide
from models.metric import brier, calibration_intercept, calibration_slope
from models.ranking import Ranked, rank_auc, rank_average_precision
from models.report import Comparison, Report, Skill, Window
from models.settings import TrainingSettings
from models.table import BoolArray, FloatArray, ModelTable
from models.training import FittedModel

UNKNOWN = Estimate(math.nan, math.nan, math.nan)
LEAD_BAND = "lead_band"
MISSING = "unknown"
KEPT_COLUMNS = ["account_id", "group_id", "contract_id", "as_of", "label"]


def evaluate(
    fitted: FittedModel,
    test: ModelTable,
    baselines: Mapping[str, FloatArray],
    *,
    beside: ModelTable,
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
    beside : ModelTable
        Mature rows of the same dates that are not in the headline. They are shown as lead bands
        and touch no other figure.
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
    slices = {name: _slices(test, raw, draws, name) for name in test.slice_columns}
    if LEAD_BAND in slices:
        slices[LEAD_BAND] |= _slices_beside(fitted, beside, settings)
    logistic = comparisons.get(LOGISTIC_REGRESSION)
    return Report(
        model=test.model,
        skill=_skill(test, raw, draws, auc=model_auc),
        brier=brier(test.label, probability),
        calibration_slope=calibration_slope(test.label, probability, draws),
        calibration_intercept=calibration_intercept(test.label, probability),
        baselines=comparisons,
        slices={name: _in_order(found) for name, found in slices.items()},
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


def _slices_beside(
    fitted: FittedModel, beside: ModelTable, settings: TrainingSettings
) -> dict[str, Skill]:
    """The skill within each lead band of the rows outside the headline."""
    if len(beside) == 0:
        return {}
    raw = fitted.predictor.raw(fitted.predictor.encoding.encode(beside.features))
    draws = draw_groups(beside.group, replicates=settings.replicates, seed=settings.seed)
    return _slices(beside, raw, draws, LEAD_BAND)


def _slices(table: ModelTable, raw: FloatArray, draws: Bootstrap, column: str) -> dict[str, Skill]:
    """The skill within each value of a column; counts alone where it cannot be told."""
    values = table.rows[column].astype(object).where(table.rows[column].notna(), MISSING)
    found: dict[str, Skill] = {}
    for value in values.unique():
        chosen: BoolArray = (values == value).to_numpy(dtype=np.bool_)
        part = table.part(chosen)
        counted = Skill(len(part), int(part.label.sum()), UNKNOWN, UNKNOWN)
        ranked = counted.note is None
        found[str(value)] = _skill(part, raw[chosen], draws.part(chosen)) if ranked else counted
    return found


def _in_order(skills: dict[str, Skill]) -> dict[str, Skill]:
    return {value: skills[value] for value in sorted(skills, key=_natural)}


def _natural(value: str) -> tuple[bool, float, str]:
    """Sort key: by the first number in a value, then what has none, then what is unknown."""
    number = re.search(r"\d+(\.\d+)?", value)
    return value == MISSING, float(number.group()) if number else math.inf, value


def _window(test: ModelTable) -> Window:
    as_of = test.rows["as_of"]
    return Window(as_of.min(), as_of.max(), len(test), int(test.label.sum()))


def _predictions(test: ModelTable, probability: FloatArray) -> pd.DataFrame:
    kept = test.rows[[*KEPT_COLUMNS, *test.slice_columns]]
    return kept.assign(probability=probability)
