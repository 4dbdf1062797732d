"""A training run: as-of rows, both models, the gate, the record and the bundles."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from features.dataset import Dataset, ModelName, build_datasets
from features.progress import Progress, silent
from features.source import Source
from models.bundle import Provenance, describe, write_bundle
from models.champion import bundle_folder, promote
from models.plot import draw_plots
from models.predictor import Predictor
from models.recipe import Skipped, Trained, train_model
from models.registry import prepare_store, record_training, set_champion
from models.tier import Thresholds, choose_thresholds
from pipelines.config import Config
from pipelines.home import Home
from pipelines.population import Population, build_population, loss_probabilities, predict
from pipelines.scoring import read_champions
from pipelines.source import describe_label, git_commit, hash_tables, model_table

Outcome = Trained | Skipped


@dataclass(frozen=True)
class TrainingRun:
    """What a training run found, by model name, with the versions that it registered.

    ``population`` is today's customers, for whom the tiers were chosen and who are scored next.
    """

    outcomes: Mapping[ModelName, Outcome]
    versions: Mapping[ModelName, str]
    population: Population

    def to_json(self) -> dict[str, object]:
        """The part about the models of what ``keepwell run --json`` prints."""
        return outcomes_json(self.outcomes, self.versions)


def outcomes_json(
    outcomes: Mapping[ModelName, Outcome], versions: Mapping[ModelName, str]
) -> dict[str, object]:
    """What was found of each model, under ``models``; the version is null where none was kept."""
    return {
        "models": {
            name: outcome.to_json()
            if isinstance(outcome, Skipped)
            else {**outcome.report.to_json(), "version": versions.get(name)}
            for name, outcome in outcomes.items()
        }
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
    with ThreadPoolExecutor(max_workers=1) as pool:
        # Importing MLflow and making its tables takes seconds: done while the features are built.
        store = pool.submit(prepare_store, home.folder)
        datasets = build_datasets(source, slices=config.slices, progress=progress)
        outcomes = {
            name: train_one(dataset, config, progress=progress)
            for name, dataset in datasets.items()
        }
        store.result()
    return record_run(config, source, home, outcomes, progress=progress)


def train_one(dataset: Dataset, config: Config, *, progress: Progress = silent) -> Outcome:
    """Train and judge one model, or say why it cannot be had."""

    def tell(step: str, share: float) -> None:
        progress(f"{dataset.model} model, {100 * share:.0f} %: {step}")

    return train_model(model_table(dataset, config), config, progress=tell)


def record_run(
    config: Config,
    source: Source,
    home: Home,
    outcomes: Mapping[ModelName, Outcome],
    *,
    progress: Progress = silent,
) -> TrainingRun:
    """Record what was trained in MLflow, write the bundles, and promote what the gate lets through.

    Parameters
    ----------
    config, source, home
        As for `train_company`.
    outcomes : mapping of model name to Trained or Skipped
    """
    progress("today's customers, for the tiers")
    population = build_population(source, source.data_end)
    trained = {name: o for name, o in outcomes.items() if isinstance(o, Trained)}
    thresholds = _thresholds(config, home, trained, population)
    versions: dict[ModelName, str] = {}
    for name, model in trained.items():
        progress(f"recording the {name} model")
        provenance = _provenance(config, source, name)
        versions[name] = record_model(home, config, model, provenance, thresholds)
    return TrainingRun(outcomes, versions, population)


def _thresholds(
    config: Config, home: Home, trained: Mapping[ModelName, Trained], population: Population
) -> Thresholds:
    """The configuration's thresholds, or such that the high tier fits the team today."""
    if config.tiers.high is not None and config.tiers.medium is not None:
        return Thresholds(high=config.tiers.high, medium=config.tiers.medium)
    predictors: dict[ModelName, Predictor] = {
        name: bundle.predictor for name, bundle in read_champions(home, config).items()
    }
    for name, model in trained.items():
        if model.report.decision.promoted:
            predictors[name] = model.shipped.predictor
    found = loss_probabilities(population, predict(population, predictors))
    return choose_thresholds([float(value) for value in found], config.team.capacity)


def _provenance(config: Config, source: Source, name: str) -> Provenance:
    return Provenance(
        company=config.company,
        label=describe_label(config, name),
        config_text=config.to_yaml(),
        data_hash=hash_tables(source),
        git_commit=git_commit(),
        created_at=datetime.now(UTC),
    )


def record_model(
    home: Home, config: Config, trained: Trained, provenance: Provenance, thresholds: Thresholds
) -> str:
    """Register the model, write its bundle and, when it is promoted, move pointer and alias."""
    with TemporaryDirectory() as folder:
        plots = draw_plots(trained, Path(folder))
        version = record_training(home.folder, trained, provenance, plots=plots)
    card = describe(trained, provenance, version=version, thresholds=thresholds)
    write_bundle(
        bundle_folder(home.folder, config.company, trained.model, version),
        predictor=trained.shipped.predictor,
        card=card,
        golden=trained.golden,
    )
    if trained.report.decision.promoted:
        promote(home.folder, config.company, trained.model, version)
        set_champion(home.folder, config.company, trained.model, version)
    return version
