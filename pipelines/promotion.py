"""From what was trained to what is in use: challenge, record, bundle, and the pointer moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from features.dataset import ModelName
from features.source import Source
from models.bundle import Provenance, describe, read_bundle, read_judged, write_bundle
from models.challenge import Champion, challenge, decide_challenge
from models.champion import bundle_folder, champion, promote
from models.gate import Decision
from models.plot import draw_plots
from models.registry import record_training, set_champion
from models.report_page import render_card, render_report
from models.settings import CostSettings
from models.tier import Thresholds, choose_thresholds
from models.top import NO_COSTS
from models.trained import Trained
from pipelines.config import Config
from pipelines.home import Home
from pipelines.move import TierMove
from pipelines.population import Model, Population, loss_probabilities, predict
from pipelines.scoring import read_champions, scoring_models
from pipelines.source import describe_label, git_commit, hash_tables

MODELS: tuple[ModelName, ...] = ("churn", "renewal")
Versions = Mapping[ModelName, str | None]


def versions_in_use(home: Home, config: Config) -> dict[ModelName, str | None]:
    """The promoted version of each model; None where none was ever promoted."""
    folders = {name: champion(home.folder, config.company, name) for name in MODELS}
    return {name: None if folder is None else folder.name for name, folder in folders.items()}


def challenge_champion(trained: Trained, config: Config, home: Home, *, seen: Versions) -> Trained:
    """The same model with the decision whether it takes the champion's place.

    To be called while `models.champion.hold_promotions` is held.

    Parameters
    ----------
    trained : Trained
    config : Config
    home : Home
    seen : mapping of model name to version
        What was in use when the training began: a version that was promoted since has not been
        taken into account by anybody who looks at this run, so it stays.
    """
    model: ModelName = "churn" if trained.model == "churn" else "renewal"
    folder = champion(home.folder, config.company, model)
    if folder is None:
        return trained
    report = trained.report
    found = challenge(trained, _read_champion(folder, config), config)
    decision = decide_challenge(report.decision, found)
    if folder.name != seen.get(model):
        decision = _overtaken(decision, folder.name)
    return replace(trained, report=replace(report, decision=decision, challenge=found))


def _overtaken(decision: Decision, version: str) -> Decision:
    reason = f"version {version} was promoted while this model was being trained; train again"
    verdict = f"overtaken by version {version}" if decision.promoted else decision.verdict
    return Decision(verdict, False, (*decision.reasons, reason))


def _read_champion(folder: Path, config: Config) -> Champion:
    threads = config.training.threads
    bundle = read_bundle(folder, threads=threads)
    knew_until = bundle.card.data_end
    if knew_until is not None and bundle.card.last_as_of is not None:
        # Of a flat table with labels of the day itself it also learnt from the last date's rows.
        knew_until = max(knew_until, bundle.card.last_as_of + timedelta(days=1))
    return Champion(
        version=bundle.card.version,
        recipe=bundle.card.recipe,
        predictor=bundle.predictor,
        data_end=knew_until,
        judged=read_judged(folder, threads=threads),
        judged_from=bundle.card.judged_from,
    )


def scoring_model(trained: Trained) -> Model:
    """What a trained model would score with."""
    return Model(trained.shipped.predictor, trained.refits)


def models_after(
    home: Home, config: Config, trained: Mapping[ModelName, Trained]
) -> dict[ModelName, Model]:
    """What scores once the promoted of the trained models are in use."""
    found = scoring_models(read_champions(home, config))
    for name, model in trained.items():
        if model.report.decision.promoted:
            found[name] = scoring_model(model)
    return found


def fit_thresholds(
    config: Config, population: Population, models: Mapping[ModelName, Model]
) -> Thresholds:
    """The configuration's thresholds, or such that the high tier fits the team today."""
    if config.tiers.high is not None and config.tiers.medium is not None:
        return Thresholds(high=config.tiers.high, medium=config.tiers.medium)
    predictions = predict(population, models, rules=config.abstention)
    found = loss_probabilities(population, predictions)
    return choose_thresholds([float(value) for value in found], config.team.capacity)


def describe_provenance(config: Config, source: Source, name: str) -> Provenance:
    """Where a model of this run comes from."""
    return Provenance(
        company=config.company,
        label=describe_label(config, name),
        config_text=config.to_yaml(),
        data_hash=hash_tables(source),
        git_commit=git_commit(),
        created_at=datetime.now(UTC),
    )


def record_model(
    home: Home,
    trained: Trained,
    provenance: Provenance,
    thresholds: Thresholds,
    *,
    currency: str,
    costs: CostSettings = NO_COSTS,
    moves: Sequence[TierMove] = (),
) -> str:
    """Register the model, write report and bundle, and promote what the gate lets through."""
    company = provenance.company
    with TemporaryDirectory() as folder:
        plots = draw_plots(trained, Path(folder))
        pages = {
            "report.html": render_report(
                trained,
                provenance,
                currency=currency,
                costs=costs,
                plots=plots,
                moves=[move.to_json() for move in moves],
            ),
            "model_card.md": render_card(trained, provenance),
        }
        version = record_training(home.folder, trained, provenance, plots=plots, pages=pages)
    reports = home.report(company, trained.model, version)
    reports.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (reports / name).write_text(text, encoding="utf-8")
    card = describe(trained, provenance, version=version, thresholds=thresholds)
    write_bundle(
        bundle_folder(home.folder, company, trained.model, version),
        predictor=trained.shipped.predictor,
        judged=trained.judged.predictor,
        card=card,
        golden=trained.golden,
        refits=trained.refits,
    )
    if trained.report.decision.promoted:
        promote(home.folder, company, trained.model, version)
        set_champion(home.folder, company, trained.model, version)
    return version
