"""From one model's as-of rows to a judged model and the one to ship."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.encoding import fit_encoding
from models.evaluation import evaluate
from models.leak import find_leaks
from models.presence import telling_rows
from models.report import Report
from models.settings import ModelSettings, TrainingSettings
from models.split import MATURE_SHARE, judged_dates, split_rows
from models.table import ModelTable
from models.training import FittedModel, Progress, fit_model

GOLDEN_ROWS = 8


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
        Of the training rows; the report is about it.
    shipped : FittedModel
        The same recipe on all mature rows; it scores.
    report : Report
        On the test rows.
    test : ModelTable
        The rows behind the report, for plots.
    """

    model: str
    judged: FittedModel
    shipped: FittedModel
    report: Report
    test: ModelTable

    @property
    def golden(self) -> pd.DataFrame:
        """Up to 8 feature rows by which a bundle proves that it predicts as it did."""
        places = np.linspace(0, len(self.test) - 1, min(GOLDEN_ROWS, len(self.test))).astype(int)
        return self.test.features.iloc[places]


def train_model(
    table: ModelTable, settings: ModelSettings, *, progress: Progress | None = None
) -> Trained | Skipped:
    """A model judged on later rows and refitted on all, or the reason why there is none.

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
    split = split_rows(table, test_from=settings.split.test_from)
    train, test = table.part(split.train), table.part(split.test)
    reason = reason_to_skip(table, train, test, settings=training)
    if reason is not None:
        return Skipped(table.model, _presence(table) or reason)
    tell = progress or _silent
    tell("fit on the training rows", 0.0)
    judged = fit_model(train, settings=training)
    tell("refit on all mature rows", 0.4)
    mature = table.part(table.mature)
    shipped = fit_model(mature, settings=training)
    tell("judge on the test rows, beside the baselines", 0.7)
    report = evaluate(
        judged,
        train,
        test,
        beside=table.part(split.beside),
        settings=settings,
        ranks=shipped.predictor.calibration.ranks,
        leaks=find_leaks(mature, shipped.predictor),
    )
    tell("done", 1.0)
    return Trained(table.model, judged, shipped, report, test)


def _presence(table: ModelTable) -> str | None:
    """How the rows' presence gives the label away, which may be why the split has one class."""
    headline = table.part(table.mature & table.headline)
    return telling_rows(headline) if len(np.unique(headline.label)) == 2 else None


def reason_to_skip(
    table: ModelTable, train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> str | None:
    """Why no model can be had from these rows, in one sentence; None when one can."""
    label = table.label[table.mature]
    if len(label) == 0:
        return f"no row has a mature label by {table.data_end} ({len(table):,} rows in all)"
    if label.min() == label.max():
        return f"all {len(label):,} mature labels are {label[0]:.0f}: there is one class only"
    if len(test) == 0:
        return _nothing_to_test_on(table)
    if len(train) == 0:
        return (
            f"no label was known by the first date tested on, {test.rows['as_of'].min():%Y-%m-%d};"
            " give a longer history"
        )
    few = _few(train, "training", settings.min_train_positives) or _few(
        test, "test", settings.min_test_positives
    )
    if few is not None:
        return few
    return _few_groups(train, settings.folds) or _no_feature(train)


def _nothing_to_test_on(table: ModelTable) -> str:
    share = f"{100 * MATURE_SHARE:.0f} % of the labels known"
    if len(judged_dates(table)) == 0:
        return (
            f"on no as-of date are {share} by {table.data_end}, and a date with fewer would be "
            "judged by the rows that end first; give a longer history"
        )
    return (
        f"no as-of date with {share} is left to test on; "
        "give a longer history or an earlier split.test_from"
    )


def _few(part: ModelTable, name: str, least: int) -> str | None:
    positives = int(part.label.sum())
    rarer, word = min((positives, "positives"), (len(part) - positives, "negatives"))
    if rarer >= least:
        return None
    return f"too few {word}: {rarer} of {len(part):,} {name} rows, at least {least} are needed"


def _few_groups(train: ModelTable, folds: int) -> str | None:
    for value, word in ((1.0, "positives"), (0.0, "negatives")):
        groups = len(np.unique(train.group[train.label == value].astype(str)))
        if groups < 2 * folds:
            return (
                f"the training {word} come from {groups} accounts only, "
                f"at least {2 * folds} are needed"
            )
    return None


def _no_feature(train: ModelTable) -> str | None:
    encoding, _ = fit_encoding(train.features)
    return None if encoding.columns else "no feature varies over the training rows"


def _silent(step: str, share: float) -> None:
    """A progress that tells nobody."""
