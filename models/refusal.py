"""Why there can be no model, in one sentence for the user."""

from __future__ import annotations

import numpy as np

from models.encoding import fit_encoding
from models.settings import TrainingSettings
from models.split import MATURE_SHARE, judged_dates, known_by
from models.table import ModelTable


def reason_to_skip(
    table: ModelTable, train: ModelTable, test: ModelTable, *, settings: TrainingSettings
) -> str | None:
    """Why no model can be had from these rows, in one sentence; None when one can."""
    if reason := reason_of_classes(table):
        return reason
    if len(test) == 0:
        return _nothing_to_test_on(table)
    if len(train) == 0:
        return (
            f"no label was known by the first date tested on, {test.rows['as_of'].min():%Y-%m-%d};"
            " give a longer history"
        )
    return (
        _few(train, "training", settings.min_train_positives)
        or _few(test, "test", settings.min_test_positives)
        or reason_not_to_train(train, settings=settings)
    )


def reason_not_to_train(train: ModelTable, *, settings: TrainingSettings) -> str | None:
    """Why these rows, all mature, cannot train a model, in one sentence; None when they can."""
    return (
        _few(train, "training", settings.min_train_positives)
        or _few_groups(train, settings.folds)
        or _no_feature(train)
    )


def reason_not_to_backtest(table: ModelTable, *, settings: TrainingSettings) -> str:
    """Why no cut-off can be trained from and tested on, in one sentence."""
    dates = judged_dates(table)
    if reason := reason_of_classes(table):
        return reason
    if len(dates) == 0:
        return _nothing_to_test_on(table)
    last = table.part(known_by(table, dates[-1]))
    return (
        f"even by the last date that can be tested on, {dates[-1]:%Y-%m-%d}: "
        f"{reason_not_to_train(last, settings=settings)}"
    )


def reason_of_classes(table: ModelTable) -> str | None:
    """Why the labels of a table teach nothing, in one sentence; None when there are two classes."""
    label = table.label[table.mature]
    if len(label) == 0:
        by = f" by {table.data_end}" if table.data_end else ""
        return f"no row has a mature label{by} ({len(table):,} rows in all)"
    if label.min() == label.max():
        return f"all {len(label):,} mature labels are {label[0]:.0f}: there is one class only"
    return None


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
                f"at least {2 * folds} are needed (twice training.folds)"
            )
    return None


def _no_feature(train: ModelTable) -> str | None:
    encoding, _ = fit_encoding(train.features)
    return None if encoding.columns else "no feature varies over the training rows"
