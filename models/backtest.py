"""The recipe judged over time: trained at each cut-off on what was known, tested on the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.age import Age, compare_ages
from models.evaluation import decide_on
from models.fold import Fold, beside_rows, judged_rows, plan_folds
from models.gate import Decision
from models.judgement import Judgement, judge
from models.leak import Leaks, find_leaks, heed
from models.recipe import silent
from models.refusal import reason_not_to_backtest
from models.report import Window, window_of
from models.scored import ScoredRows, join_rows, score_beside_baselines, score_rows
from models.settings import ModelSettings
from models.table import ModelTable
from models.trained import Skipped
from models.training import FittedModel, Progress, fit_model
from models.tuning import tune
from models.weakness import find_weaknesses

WANTED_FOLDS = 6


@dataclass(frozen=True, eq=False)
class FoldReport:
    """One cut-off: what was known then, what followed, and how it went."""

    train: Window
    test: Window
    judgement: Judgement

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell backtest --json``; a fold has no slices."""
        found = self.judgement.to_json()
        del found["slices"]
        return {**found, "train": self.train.to_json(), "test": self.test.to_json()}


@dataclass(frozen=True, eq=False)
class Backtest:
    """What rolling origins say of one model's recipe.

    Parameters
    ----------
    model : str
        ``churn`` or ``renewal``.
    pooled : Judgement
        Of all tested rows, each scored by the last model before it.
    folds : tuple of FoldReport
    ages : mapping of int to Age
        By months.
    scored : ScoredRows
        The tested rows.
    newest : FittedModel
        Of the last cut-off.
    decision : Decision
        The gate's answer to the pooled figures; a backtest promotes nothing.
    leaks : Leaks
        What in the rows of the last cut-off tells the label too well.
    notices : tuple of str
    """

    model: str
    pooled: Judgement
    folds: tuple[FoldReport, ...]
    ages: Mapping[int, Age]
    scored: ScoredRows
    newest: FittedModel
    decision: Decision
    leaks: Leaks
    notices: tuple[str, ...]

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """Where the verdict does not hold: what `models.weakness` says of the slices."""
        return () if self.decision.is_null else find_weaknesses(self.pooled)

    def to_json(self) -> dict[str, object]:
        """What ``keepwell backtest --json`` prints for this model."""
        return {
            **self.pooled.to_json(),
            "folds": [fold.to_json() for fold in self.folds],
            "ages": {str(months): age.to_json() for months, age in self.ages.items()},
            **self.decision.to_json(),
            "promoted": False,
            "leaks": self.leaks.to_json(),
            "notices": [*self.weaknesses, *self.notices],
        }


def backtest(
    table: ModelTable, settings: ModelSettings, *, progress: Progress = silent
) -> Backtest | Skipped:
    """The recipe judged at rolling origins, or the reason why it cannot be.

    Parameters
    ----------
    table : ModelTable
        All as-of rows, mature or not.
    settings : ModelSettings
    progress : callable
        Told each step and its share done.
    """
    folds = plan_folds(table, settings)
    if not folds:
        return Skipped(table.model, reason_not_to_backtest(table, settings=settings.training))
    fits = []
    for place, fold in enumerate(folds):
        progress(f"cut-off {fold.cutoff:%Y-%m-%d}", 0.85 * place / len(folds))
        train = table.part(fold.train)
        fits.append(fit_model(train, settings=settings.training, choice=tune(train, settings)))
    progress("judge the tested rows", 0.85)
    tested = [table.part(judged_rows(table, fold.dates)) for fold in folds]
    parts = [
        score_beside_baselines(fitted, table.part(fold.train), test, settings=settings.training)
        for fitted, fold, test in zip(fits, folds, tested, strict=True)
    ]
    scored = join_rows(parts)
    pooled = judge(scored, settings, beside=join_rows(_score_overdue(table, folds, fits)))
    leaks = find_leaks(table.part(folds[-1].train), fits[-1].predictor)
    progress("done", 1.0)
    return Backtest(
        model=table.model,
        pooled=pooled,
        folds=tuple(
            _report(fitted, part, settings) for fitted, part in zip(fits, parts, strict=True)
        ),
        ages=compare_ages(scored, _score_later(table, folds, fits), settings),
        scored=scored,
        newest=fits[-1],
        decision=heed(decide_on(pooled, ranks=fits[-1].predictor.calibration.ranks), leaks),
        leaks=leaks,
        notices=_notices(folds, settings),
    )


def _report(fitted: FittedModel, part: ScoredRows, settings: ModelSettings) -> FoldReport:
    return FoldReport(
        train=Window(*fitted.as_of, fitted.rows, fitted.positives),
        test=window_of(part.rows),
        judgement=judge(part, settings, by_slice=False),
    )


def _score_overdue(
    table: ModelTable, folds: Sequence[Fold], fits: Sequence[FittedModel]
) -> list[ScoredRows]:
    """What is not in the headline of each fold's dates, as its model sees it."""
    return [
        score_rows(fitted, table.part(beside_rows(table, fold.dates)))
        for fold, fitted in zip(folds, fits, strict=True)
    ]


def _score_later(
    table: ModelTable, folds: Sequence[Fold], fits: Sequence[FittedModel]
) -> list[tuple[pd.Timestamp, ScoredRows]]:
    """Each model's view of all tested rows from its cut-off on."""
    dates = pd.DatetimeIndex(np.concatenate([fold.dates for fold in folds]))
    return [
        (
            fold.cutoff,
            score_rows(fitted, table.part(judged_rows(table, dates[dates >= fold.cutoff]))),
        )
        for fold, fitted in zip(folds, fits, strict=True)
    ]


def _notices(folds: Sequence[Fold], settings: ModelSettings) -> tuple[str, ...]:
    if len(folds) >= min(WANTED_FOLDS, settings.backtest.folds):
        return ()
    said = "the history allows no more; read the figures as those of few moments"
    return (f"only {len(folds)} cut-offs: {said}",)
