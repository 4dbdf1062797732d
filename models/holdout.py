"""Judging a model on accounts left out, where rows bear no dates and none can be later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.evaluation import decide_on
from models.judgement import judge
from models.leak import Leaks, heed
from models.refusal import reason_not_to_train, reason_of_classes
from models.report import Report, Window, window_of
from models.scored import ScoredRows, join_rows, score_beside_baselines
from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable
from models.training import FittedModel, Progress, assign_folds, fit_model

PARTS = 5


def judge_left_out(
    mature: ModelTable,
    shipped: FittedModel,
    *,
    settings: ModelSettings,
    leaks: Leaks,
    progress: Progress,
) -> Report:
    """The report of a recipe on rows whose whole group no fit behind their score has seen.

    It says how well accounts are told apart that were drawn like those learnt from. It cannot say
    how well the model foretells: what changed since the table was drawn up changed for all rows.

    Parameters
    ----------
    mature : ModelTable
        Labelled rows without dates of their own, of both classes.
    shipped : FittedModel
        The recipe on all of them.
    settings : ModelSettings
        Recipe, replicates and seed, capacity and costs.
    leaks : Leaks
        What was found in the rows.
    progress : callable
        Told each step and its share done.
    """
    scored = score_left_out(mature, settings=settings.training, progress=progress)
    progress("judge the accounts left out, beside the baselines", 0.9)
    judgement = judge(scored, settings)
    return Report(
        model=mature.model,
        judgement=judgement,
        train=Window(*shipped.as_of, shipped.rows, shipped.positives),
        test=window_of(scored.rows),
        scored=scored,
        decision=heed(decide_on(judgement, ranks=shipped.predictor.calibration.ranks), leaks),
        notices=shipped.notices,
        leaks=leaks,
        temporal=False,
    )


def score_left_out(
    mature: ModelTable, *, settings: TrainingSettings, progress: Progress
) -> ScoredRows:
    """Every row once, as a model and baselines see it that learnt from the other parts only.

    Fits differ a little in their mean, so rows are compared within a part; ``raw`` is calibrated,
    in log-odds, for what looks across parts: the top of the ranking.

    References
    ----------
    Forman, G. and Scholz, M. (2010). Apples-to-apples in cross-validation studies: pitfalls in
    classifier performance measurement.
    """
    found = []
    for number, (train, test) in enumerate(_parts(mature, settings)):
        progress(f"fit without part {number + 1} of {PARTS}", 0.15 + 0.75 * number / PARTS)
        fitted = fit_model(train, settings=settings)
        scored = score_beside_baselines(fitted, train, test, settings=settings)
        log_odds = fitted.predictor.calibration.log_odds(scored.raw)
        fold = np.full(len(test), number, dtype=np.intp)
        found.append(replace(scored, raw=log_odds, fold=fold))
    return join_rows(found)


def reason_not_to_leave_out(mature: ModelTable, *, settings: TrainingSettings) -> str | None:
    """Why these rows cannot train a model on each of the parts, in one sentence; None: they can."""
    if reason := reason_of_classes(mature):
        return reason
    if reason := reason_not_to_train(mature, settings=settings):
        return reason
    for train, _ in _parts(mature, settings):
        if reason := reason_not_to_train(train, settings=settings):
            return f"with a fifth of the accounts left out: {reason}"
    return None


def _parts(
    mature: ModelTable, settings: TrainingSettings
) -> Iterator[tuple[ModelTable, ModelTable]]:
    """Training and left-out rows of each part: whole groups, positives spread evenly."""
    part: npt.NDArray[np.intp] = assign_folds(
        mature.group, mature.label, folds=PARTS, seed=settings.seed
    )
    for number in range(PARTS):
        yield mature.part(part != number), mature.part(part == number)
