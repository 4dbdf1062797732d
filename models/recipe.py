"""From one model's as-of rows to a judged model and the one to ship."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.evaluation import evaluate
from models.holdout import train_undated
from models.leak import find_leaks
from models.presence import telling_rows
from models.refit import Refits, find_interval, fit_refits
from models.refusal import reason_to_skip
from models.report import Report
from models.settings import ModelSettings
from models.split import split_rows
from models.table import ModelTable
from models.trained import Skipped, Trained, recipe_of
from models.training import Progress, fit_model
from models.tuning import tune
from models.withheld import judge_abstention

RECENT_DATES = 6


def train_model(
    table: ModelTable, settings: ModelSettings, *, progress: Progress | None = None
) -> Trained | Skipped:
    """A model judged on later rows and refitted on all, or the reason why there is none.

    Rows that bear no dates judge as accounts left out, see `models.holdout`.

    Parameters
    ----------
    table : ModelTable
        All as-of rows, mature or not.
    settings : ModelSettings
        Split and training.
    progress : callable, optional
        Told each step and its share done.
    """
    training = settings.training
    if not table.dated:
        return train_undated(table, settings, progress=progress or silent)
    split = split_rows(table, test_from=settings.split.test_from)
    train, test = table.part(split.train), table.part(split.test)
    reason = reason_to_skip(table, train, test, settings=training)
    if reason is not None:
        # Where the rows' presence tells the label, one side of the split may have one class only.
        return Skipped(table.model, telling_rows(table) or reason)
    # A trial costs about what a fit does, and the rest of the recipe about three of them.
    searched = settings.tuning.trials / (settings.tuning.trials + 3)
    choice = tune(train, settings, progress=part_of(progress or silent, 0.0, searched))
    tell = part_of(progress or silent, searched, 1.0)
    tell("fit on the training rows", 0.0)
    judged = fit_model(train, settings=training, choice=choice)
    tell("refit on all mature rows", 0.4)
    mature = table.part(table.mature)
    shipped = fit_model(mature, settings=training, choice=choice)
    tell("refit on bootstrap samples", 0.65)
    refits = fit_refits(mature, shipped, settings=training)
    judged_refits = fit_refits(train, judged, settings=training)
    tell("judge on the test rows, beside the baselines", 0.75)
    report = evaluate(
        judged,
        train,
        test,
        beside=table.part(split.beside),
        settings=settings,
        ranks=shipped.predictor.calibration.ranks,
        leaks=find_leaks(mature, shipped.predictor),
    )
    report = _with_doubt(report, test, judged_refits, settings)
    tell("done", 1.0)
    recent = np.unique(table.rows["as_of"])[-RECENT_DATES:]
    return Trained(
        model=table.model,
        judged=judged,
        shipped=shipped,
        report=report,
        train=train,
        test=test,
        recent=table.part(table.rows["as_of"].isin(recent).to_numpy(dtype=np.bool_)),
        recipe=recipe_of(table, settings),
        refits=refits,
    )


def _with_doubt(
    report: Report, test: ModelTable, refits: Refits | None, settings: ModelSettings
) -> Report:
    """The report with the intervals of its predictions, and what would have been withheld."""
    probability = report.scored.probability
    withheld = judge_abstention(
        test,
        probability,
        find_interval(refits, test.features, probability),
        rules=settings.abstention,
        settings=settings.training,
        refits=0 if refits is None else len(refits.predictors),
    )
    return replace(report, abstention=withheld)


def part_of(progress: Progress, begin: float, end: float) -> Progress:
    """A progress that fills the part of another one from ``begin`` to ``end``, shares 0-1."""
    return lambda step, share: progress(step, begin + share * (end - begin))


def silent(step: str, share: float) -> None:
    """A progress that tells nobody."""
