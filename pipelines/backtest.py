"""A backtest of a company's models: rolling origins, models of every age, and week to week."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from features.dataset import Dataset, ModelName, build_datasets
from features.progress import Progress, Step, silent
from features.source import Source
from models.backtest import Backtest, backtest
from models.leak import heed, share_leaks
from models.stability import Stability, first_thresholds, measure_stability
from models.table import ModelTable
from models.trained import Skipped
from models.warning_record import WarningRecord
from pipelines.config import Config
from pipelines.source import model_table
from pipelines.warning_record import judge_warnings

WEEKS = 9


@dataclass(frozen=True)
class BacktestRun:
    """The backtest of each model, and how its ranking moves from week to week.

    Labels that were shuffled have no ranking to watch: ``stability`` is empty then, and there is no
    record of ``warnings``.
    """

    outcomes: Mapping[ModelName, Backtest | Skipped]
    stability: Mapping[ModelName, Stability]
    shuffled: bool = False
    warnings: WarningRecord | None = None

    def to_json(self) -> dict[str, object]:
        """What ``keepwell backtest --json`` prints."""
        models = {}
        for name, outcome in self.outcomes.items():
            models[name] = outcome.to_json()
            if name in self.stability:
                models[name]["weekly"] = self.stability[name].to_json()
        found: dict[str, object] = {"models": models, "labels_shuffled": self.shuffled}
        return found if self.warnings is None else {**found, "warnings": self.warnings.to_json()}


def backtest_company(
    config: Config, source: Source, *, shuffle_labels: bool = False, progress: Progress = silent
) -> BacktestRun:
    """Judge each model's recipe over time; nothing is recorded or promoted.

    Parameters
    ----------
    config : Config
    source : Source
    shuffle_labels : bool
        The null test: whatever an honest backtest finds in labels shuffled within each as-of date
        is noise.
    progress : callable
    """
    datasets = build_datasets(source, slices=config.slices, progress=progress)
    warnings = None if shuffle_labels else judge_warnings(config, source, datasets)
    if shuffle_labels:
        datasets = {name: shuffled(d, config.training.seed) for name, d in datasets.items()}
    outcomes = {
        name: _backtest_one(model_table(dataset, config), config, progress)
        for name, dataset in datasets.items()
    }
    outcomes = {**outcomes, **_heed_each_other(outcomes)}
    found = {name: o for name, o in outcomes.items() if isinstance(o, Backtest)}
    if shuffle_labels or not found:
        return BacktestRun(outcomes, {}, shuffle_labels, warnings)
    weekly = build_datasets(source, dates=recent_weeks(source.data_end), progress=progress)
    return BacktestRun(
        outcomes,
        {
            name: watch_weeks(model_table(weekly[name], config), backtest_, config)
            for name, backtest_ in found.items()
        },
        warnings=warnings,
    )


def _backtest_one(table: ModelTable, config: Config, progress: Progress) -> Backtest | Skipped:
    def tell(step: str, share: float) -> None:
        progress(Step(f"{table.model} model", step, share))

    return backtest(table, config, progress=tell)


def _heed_each_other(
    outcomes: Mapping[ModelName, Backtest | Skipped],
) -> dict[ModelName, Backtest]:
    """The backtests, with what another model's rows showed to hold the answer."""
    tested = {name: found for name, found in outcomes.items() if isinstance(found, Backtest)}
    shared = share_leaks(
        {name: found.leaks for name, found in tested.items()},
        {name: found.newest.predictor.encoding.columns for name, found in tested.items()},
    )
    return {
        name: replace(found, leaks=shared[name], decision=heed(found.decision, shared[name]))
        for name, found in tested.items()
    }


def shuffled(dataset: Dataset, seed: int) -> Dataset:
    """The dataset with its mature labels shuffled within each as-of date."""
    chance = np.random.default_rng(seed)
    rows = dataset.rows.copy()
    for places in rows.groupby(["as_of", rows["label"].isna()]).indices.values():
        rows.loc[places, "label"] = chance.permutation(rows["label"].to_numpy()[places])
    return replace(dataset, rows=rows)


def recent_weeks(data_end: date) -> list[date]:
    """The data's end and the same weekday of the eight weeks before, ascending."""
    return [data_end - timedelta(weeks=back) for back in reversed(range(WEEKS))]


def watch_weeks(table: ModelTable, found: Backtest, config: Config) -> Stability:
    """How the ranking of the newest model moves over the table's dates.

    The tiers' thresholds are the configuration's or such that the high tier fits the team on the
    first of the dates.
    """
    probability = found.newest.predictor.probability(table.features)
    thresholds = first_thresholds(table, probability, config)
    return measure_stability(table, probability, thresholds, config)
