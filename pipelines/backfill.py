"""Snapshots of past dates, each by models that knew no more than that date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd

from features.aside import open_aside
from features.contract import build_rates
from features.dataset import (
    Dataset,
    ModelName,
    build_datasets,
    build_rows,
    read_groups,
    training_dates,
)
from features.progress import Progress, silent
from features.source import Source
from features.state import read_states
from models.refusal import reason_not_to_train
from models.snapshot import SnapshotHeader
from models.snapshot_reader import SnapshotReader
from models.split import known_by
from models.store import SnapshotStore
from models.table import ModelTable
from models.tier import Thresholds
from models.training import fit_model
from pipelines.config import Config
from pipelines.home import Home
from pipelines.population import Model, Population
from pipelines.promotion import fit_thresholds
from pipelines.rescoring import rescore_against
from pipelines.scoring import (
    Voices,
    assemble_snapshot,
    check_order,
    read_champions,
    read_earlier,
    say_span,
)
from pipelines.source import describe_label, model_table

# A model serves so long before the next one is trained: monthly dates have one a quarter.
RETRAIN_DAYS = 85


@dataclass(frozen=True)
class Backfill:
    """What became of each date, all ascending.

    Parameters
    ----------
    published : tuple of date
        Dates that have a snapshot now.
    kept : tuple of date
        Dates that had one before: it stays as it is.
    skipped : mapping of date to str
        Dates without a model, and why.
    """

    published: tuple[date, ...] = ()
    kept: tuple[date, ...] = ()
    skipped: Mapping[date, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The part about past dates of what ``keepwell score --json`` prints."""
        return {
            "backfilled": {
                "published": [day.isoformat() for day in self.published],
                "kept": [day.isoformat() for day in self.kept],
                "skipped": {day.isoformat(): why for day, why in self.skipped.items()},
            }
        }

    def to_lines(self) -> list[str]:
        """The same for people."""
        lines = []
        if self.published:
            first, last = self.published[0], self.published[-1]
            lines.append(f"{len(self.published)} past snapshots published, {first} to {last}")
        if self.kept:
            days = ", ".join(map(str, self.kept))
            lines.append(f"already there and left alone: {days}")
        return lines + [f"{day} skipped: {why}" for day, why in self.skipped.items()]


@dataclass(frozen=True)
class _Taught:
    """A model as it was trained on a past date."""

    day: date
    model: Model
    identity: Mapping[str, object]


def backfill_company(
    config: Config,
    source: Source,
    home: Home,
    *,
    count: int,
    rows: Mapping[ModelName, Dataset] | None = None,
    progress: Progress = silent,
) -> Backfill:
    """Publish a snapshot for each of the last as-of dates before the current one.

    Each is what a score run on that day would have published under the recipe of today's models:
    a model is trained on the rows whose labels were known on the day, anew once the last one is
    85 days old; customers, states and figures are those known before it. Only models that are in
    use are trained. What a ranking does without is left out: intervals, and with them the rule that
    withholds wide ones, the search for parameters, and the drivers' earlier values.

    Parameters
    ----------
    config : Config
    source : Source
        Its connection stays as it is.
    home : Home
        What is served there stays.
    count : int
        How many dates of the configuration's grid, at most.
    rows : mapping of model name to Dataset, optional
        The as-of rows of the grid, when they were built before.
    progress : callable

    Raises
    ------
    InputError
        As for a score run that follows.
    """
    in_use = read_champions(home, config)
    with SnapshotStore(home.store_url) as store:
        store.upgrade()
        check_order(config.company, source.data_end, store.current(), in_use)
        present = _present(store, config.company)
    dates = [day for day in training_dates(source) if day < source.data_end]
    wanted = dates[-count:]
    kept = tuple(day for day in wanted if day in present)
    missing = [day for day in wanted if day not in present]
    if not in_use:
        return Backfill(kept=kept, skipped=dict.fromkeys(missing, "no model is in use"))
    if not missing:
        return Backfill(kept=kept)
    with open_aside(source) as aside:
        if rows is None:
            upto = [day for day in dates if day <= missing[-1]]
            rows = build_datasets(aside, dates=upto, progress=progress)
        build_rows(aside, missing)
        build_rates(aside.connection, aside.settings)
        company = _Company(config, aside, home, {name: rows[name] for name in in_use})
        return replace(_publish_all(company, missing, progress), kept=kept)


@dataclass(frozen=True)
class _Company:
    """What every date is made of."""

    config: Config
    source: Source
    home: Home
    rows: Mapping[ModelName, Dataset]


def _publish_all(company: _Company, dates: Sequence[date], progress: Progress) -> Backfill:
    published, skipped = [], {}
    taught: dict[ModelName, _Taught] = {}
    thresholds: Thresholds | None = None
    for day in dates:
        progress(f"the ranking as of {day}")
        reasons = _teach(company, day, taught)
        population = past_population(company.source, company.rows, day)
        if not taught:
            skipped[day] = "; ".join(f"{name}: {why}" for name, why in reasons.items())
        elif population.states.empty:
            skipped[day] = "the tables held no customer"
        else:
            if thresholds is None or any(found.day == day for found in taught.values()):
                thresholds = _choose_thresholds(company.config, population, taught)
            _publish(company, population, taught, thresholds)
            published.append(day)
    return Backfill(tuple(published), skipped=skipped)


def _teach(company: _Company, day: date, taught: dict[ModelName, _Taught]) -> dict[ModelName, str]:
    """Train what is due on a day, and say why a model could not be had."""
    reasons = {}
    for name, dataset in company.rows.items():
        last = taught.get(name)
        if last is not None and day - last.day < timedelta(days=RETRAIN_DAYS):
            continue
        found = _train(company, name, dataset, day)
        if isinstance(found, _Taught):
            taught[name] = found
        else:
            reasons[name] = found
    return reasons


def _train(company: _Company, name: ModelName, dataset: Dataset, day: date) -> _Taught | str:
    """A model of what was known by a day, or why there is none."""
    config = company.config
    table = known_table(company.source, dataset, config, day)
    reason = reason_not_to_train(table, settings=config.training) if len(table) else None
    if not len(table):
        return "no label was known"
    if reason is not None:
        return reason
    predictor = fit_model(table, settings=config.training).predictor
    if not predictor.calibration.ranks:
        return "what was known taught nothing that ranks"
    identity = {
        "version": f"backfill-{day}",
        "created_at": datetime.now(UTC).isoformat(),
        **say_span(name, table.horizon_days, table.lead_days),
        "label": describe_label(config, name),
        "backfilled": True,
    }
    return _Taught(day, Model(predictor, None), identity)


def known_table(source: Source, dataset: Dataset, config: Config, day: date) -> ModelTable:
    """The mature rows of a grid as they were known on a day: later labels and parents are not."""
    table = model_table(dataset, config)
    known = table.part(known_by(table, pd.Timestamp(day)))
    groups = read_groups(source, day)
    of_rows = [groups.get(account, account) for account in known.rows["account_id"]]
    return replace(known, rows=known.rows.assign(group_id=of_rows), data_end=day)


def _choose_thresholds(
    config: Config, population: Population, taught: Mapping[ModelName, _Taught]
) -> Thresholds:
    """As a training run of that day would have chosen them: they stay until the next one."""
    return fit_thresholds(config, population, {name: one.model for name, one in taught.items()})


def _publish(
    company: _Company,
    population: Population,
    taught: Mapping[ModelName, _Taught],
    thresholds: Thresholds,
) -> None:
    """Write the snapshot of a day."""
    config, day = company.config, population.as_of
    models = {name: found.model for name, found in taught.items()}
    voices = Voices(models, thresholds, {name: found.identity for name, found in taught.items()})
    with SnapshotStore(company.home.store_url) as store:
        before = _latest_before(store, config.company, day)
        previous = store.tiers(before.snapshot_id) if before else {}
        snapshot = assemble_snapshot(
            config, population, voices, previous=previous, earlier=read_earlier(store, before)
        )
        snapshot = replace(snapshot, backfilled=True)
        if before is not None:
            snapshot = rescore_against(store, before, snapshot, models, company.rows)
        store.backfill(snapshot)


def past_population(source: Source, rows: Mapping[ModelName, Dataset], day: date) -> Population:
    """The customers of a past date, from rows of a grid.

    Parameters
    ----------
    source : Source
        Its connection holds the terms, cohorts and rates of that date.
    rows : mapping of model name to Dataset
        That hold the date.
    day : date
    """
    return Population(day, read_states(source, day), {n: _on(d, day) for n, d in rows.items()})


def _on(dataset: Dataset, day: date) -> Dataset:
    """The rows of one date."""
    chosen = (dataset.rows["as_of"] == pd.Timestamp(day)).to_numpy(dtype=np.bool_)
    return replace(
        dataset,
        rows=dataset.rows[chosen].reset_index(drop=True),
        features=dataset.features[chosen].reset_index(drop=True),
        data_end=day,
        past=None,
    )


def _present(store: SnapshotStore, company: str) -> dict[date, SnapshotHeader]:
    """The company's newest snapshot of each date."""
    if not store.is_made:
        return {}
    headers = SnapshotReader(store).headers(company, limit=None)
    return {header.as_of: header for header in reversed(headers) if header.as_of is not None}


def _latest_before(store: SnapshotStore, company: str, day: date) -> SnapshotHeader | None:
    """The company's snapshot of the latest date before a day."""
    earlier = {when: one for when, one in _present(store, company).items() if when < day}
    return earlier[max(earlier)] if earlier else None
