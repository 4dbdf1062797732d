"""From one model's as-of rows to a judged model and the one to ship."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.evaluation import evaluate
from models.holdout import judge_left_out, reason_not_to_leave_out
from models.leak import find_leaks
from models.presence import telling_rows
from models.refit import Refits, find_interval, fit_refits
from models.refusal import reason_to_skip
from models.report import Report
from models.settings import ModelSettings
from models.split import split_rows
from models.table import ModelTable
from models.training import FittedModel, Progress, fit_model
from models.tuning import tune
from models.withheld import judge_abstention

GOLDEN_ROWS = 8
RECENT_DATES = 6


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
        return _train_undated(table, settings, progress or silent)
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


def recipe_of(table: ModelTable, settings: ModelSettings) -> str:
    """sha256 of what a model is made of but for the data: label, features and training.

    Parameters
    ----------
    table : ModelTable
    settings : ModelSettings
    """
    made_of = {
        "model": table.model,
        "horizon_days": table.horizon_days,
        "lead_days": table.lead_days,
        "features": sorted(map(str, table.features.columns)),
        "directions": {n: t.direction for n, t in sorted(table.traits.items()) if t.direction},
        "training": settings.training.model_dump(exclude={"threads", "replicates", "refits"}),
        "tuning": settings.tuning.model_dump(),
    }
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def part_of(progress: Progress, begin: float, end: float) -> Progress:
    """A progress that fills the part of another one from ``begin`` to ``end``, shares 0-1."""
    return lambda step, share: progress(step, begin + share * (end - begin))


def _train_undated(table: ModelTable, settings: ModelSettings, tell: Progress) -> Trained | Skipped:
    """A model of all labelled rows, judged by the same recipe on accounts left out."""
    mature = table.part(table.mature)
    reason = reason_not_to_leave_out(mature, settings=settings.training)
    if reason is not None:
        return Skipped(table.model, reason)
    tell("fit on all labelled rows", 0.0)
    shipped = fit_model(mature, settings=settings.training)
    report = judge_left_out(
        mature,
        shipped,
        settings=settings,
        leaks=find_leaks(mature, shipped.predictor),
        progress=tell,
    )
    tell("done", 1.0)
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


def silent(step: str, share: float) -> None:
    """A progress that tells nobody."""
