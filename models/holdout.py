"""The recipe of rows without dates: fit on all, judge on accounts left out, for none is later."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.evaluation import decide_on
from models.judgement import judge
from models.leak import Leaks, find_leaks, heed
from models.refit import fit_refits
from models.refusal import reason_not_to_train, reason_of_classes
from models.report import Report, Window, window_of
from models.scored import ScoredRows, join_rows, score_beside_baselines
from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable
from models.trained import Skipped, Trained, recipe_of
from models.training import FittedModel, Progress, assign_folds, fit_model

PARTS = 5


def train_undated(
    table: ModelTable, settings: ModelSettings, *, progress: Progress
) -> Trained | Skipped:
    """A model of all labelled rows, judged by the same recipe on accounts left out.

    Parameters
    ----------
    table : ModelTable
        Without dates, labelled or not.
    settings : ModelSettings
        Training, capacity and costs.
    progress : callable
        Told each step and its share done.
    """
    mature = table.part(table.mature)
    reason = reason_not_to_leave_out(mature, settings=settings.training)
    if reason is not None:
        return Skipped(table.model, reason)
    progress("fit on all labelled rows", 0.0)
    shipped = fit_model(mature, settings=settings.training)
    report = judge_left_out(
        mature,
        shipped,
        settings=settings,
        leaks=find_leaks(mature, shipped.predictor),
        progress=progress,
    )
    progress("done", 1.0)
    return Trained(
        model=table.model,
        judged=shipped,
        shipped=shipped,
        report=report,
        train=mature,
        test=mature,
        recent=table,
        recipe=recipe_of(table, settings),
        refits=fit_refits(mature, shipped, settings=settings.training),
    )


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
    known = mature.data_end is not None
    return Report(
        model=mature.model,
        judgement=judgement,
        train=Window(*shipped.as_of, shipped.rows, shipped.positives, known=known),
        test=replace(window_of(scored.rows), known=known),
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
