"""A training run: as-of rows, both models, the gate, the record and the bundles."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from features.dataset import Dataset, ModelName, build_datasets
from features.progress import Progress, Step, silent
from features.source import Source
from models.bundle import Bundle
from models.champion import hold_promotions
from models.leak import heed, share_leaks
from models.recipe import train_model
from models.registry import prepare_store
from models.trained import Skipped, Trained
from models.warning_record import HeldRules
from pipelines.config import Config
from pipelines.home import Home
from pipelines.last_verdict import keep_refusals
from pipelines.move import TierMove, find_moves
from pipelines.population import Population, build_population
from pipelines.promotion import (
    Versions,
    challenge_champion,
    describe_provenance,
    fit_thresholds,
    models_after,
    record_model,
    scoring_model,
    versions_in_use,
)
from pipelines.scoring import read_champions, read_thresholds, scoring_models
from pipelines.source import model_table
from pipelines.warning_record import keep_record

Outcome = Trained | Skipped


@dataclass(frozen=True)
class TrainingRun:
    """What a training run found, by model name, with the versions that it registered.

    ``population`` is today's customers, for whom the tiers were chosen and who are scored next;
    ``moves`` are those whose tier moves, or would move, from the champions to these models;
    ``reports`` are the folders of the pages about each version; ``warned`` is where each rule of
    early warnings stood on the rows; ``rows`` are the as-of rows that were built for it, where the
    same process goes on with them.
    """

    outcomes: Mapping[ModelName, Outcome]
    versions: Mapping[ModelName, str]
    population: Population
    moves: tuple[TierMove, ...] = ()
    reports: tuple[Path, ...] = ()
    warned: HeldRules | None = None
    rows: Mapping[ModelName, Dataset] | None = None

    def to_json(self) -> dict[str, object]:
        """The part about the models of what ``keepwell run --json`` prints."""
        return {
            "models": {
                name: outcome.to_json()
                if isinstance(outcome, Skipped)
                else {**outcome.report.to_json(), "version": self.versions.get(name)}
                for name, outcome in self.outcomes.items()
            },
            "tier_moves": [move.to_json() for move in self.moves],
        }


def train_company(
    config: Config, source: Source, home: Home, *, progress: Progress = silent
) -> TrainingRun:
    """Train, judge, record and, where the gate agrees, promote each model.

    Parameters
    ----------
    config : Config
    source : Source
    home : Home
        Where MLflow's store and the bundles are.
    progress : callable
    """
    seen = versions_in_use(home, config)
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Importing MLflow and making its tables takes seconds: done while the features are built.
        store = pool.submit(prepare_store, home.folder)
        datasets = build_datasets(source, slices=config.slices, progress=progress)
        held = keep_record(home, config, source, datasets)
        outcomes = {
            name: train_one(dataset, config, progress=progress)
            for name, dataset in datasets.items()
        }
        store.result()
    run = record_run(config, source, home, outcomes, seen=seen, progress=progress)
    return replace(run, warned=held, rows=datasets)


def train_one(dataset: Dataset, config: Config, *, progress: Progress = silent) -> Outcome:
    """Train and judge one model, or say why it cannot be had."""

    def tell(step: str, share: float) -> None:
        progress(Step(f"{dataset.model} model", step, share))

    return train_model(model_table(dataset, config), config, progress=tell)


def heed_each_other(outcomes: Mapping[ModelName, Outcome]) -> dict[ModelName, Outcome]:
    """The outcomes, none promoted with a feature that holds the answer of another one."""
    trained = {name: found for name, found in outcomes.items() if isinstance(found, Trained)}
    shared = share_leaks(
        {name: found.report.leaks for name, found in trained.items()},
        {name: found.shipped.predictor.encoding.columns for name, found in trained.items()},
    )
    heeded = {
        name: replace(
            found,
            report=replace(
                found.report,
                leaks=shared[name],
                decision=heed(found.report.decision, shared[name]),
            ),
        )
        for name, found in trained.items()
    }
    return {**outcomes, **heeded}


def record_run(
    config: Config,
    source: Source,
    home: Home,
    outcomes: Mapping[ModelName, Outcome],
    *,
    seen: Versions,
    progress: Progress = silent,
) -> TrainingRun:
    """Challenge the champions, record what was trained, and promote what may take their place.

    Parameters
    ----------
    config, source, home
        As for `train_company`.
    outcomes : mapping of model name to Trained or Skipped
    seen : mapping of model name to version
        What was in use when the training began.
    """
    outcomes = heed_each_other(outcomes)
    progress("today's customers, for the tiers")
    population = build_population(source, source.data_end)
    versions: dict[ModelName, str] = {}
    with hold_promotions(home.folder, config.company):
        trained = {
            name: challenge_champion(outcome, config, home, seen=seen)
            for name, outcome in outcomes.items()
            if isinstance(outcome, Trained)
        }
        before = read_champions(home, config)
        models = models_after(home, config, trained)
        thresholds = fit_thresholds(config, population, models)
        moves = _moves(config, population, before, trained)
        for name, model in trained.items():
            progress(f"recording the {name} model")
            provenance = describe_provenance(config, source, name)
            versions[name] = record_model(
                home,
                model,
                provenance,
                thresholds,
                currency=config.currency,
                costs=config.costs,
                moves=moves,
            )
    keep_refusals(home, config.company, {**outcomes, **trained})
    reports = tuple(home.report(config.company, name, v) for name, v in versions.items())
    return TrainingRun({**outcomes, **trained}, versions, population, moves, reports)


def _moves(
    config: Config,
    population: Population,
    before: Mapping[ModelName, Bundle],
    trained: Mapping[ModelName, Trained],
) -> tuple[TierMove, ...]:
    """The accounts whose tier moves, or would move, from the champions to these models."""
    limits = read_thresholds(config, before)
    old = scoring_models(before)
    new = {name: scoring_model(model) for name, model in trained.items() if name in before}
    if limits is None or not new:
        return ()
    after = {**old, **new}
    then = (after, fit_thresholds(config, population, after))
    return tuple(find_moves(population, (old, limits), then, rules=config.abstention))
