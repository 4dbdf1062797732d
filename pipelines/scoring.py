"""A score run: the promoted models score every customer, and the snapshot is published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from features.dataset import Dataset, ModelName
from features.errors import InputError, Problem
from features.phrase import DOCUMENT as PHRASES
from features.progress import Progress, silent
from features.source import Source
from models.bundle import Bundle, read_bundle, read_refits
from models.card import Card
from models.champion import champion
from models.intervention import held_out
from models.snapshot import Snapshot, SnapshotHeader, count_abstentions
from models.store import SnapshotStore
from models.tier import Thresholds, Tier
from models.warning_life import Earlier
from pipelines.account_score import score_accounts
from pipelines.config import Config
from pipelines.health import describe_health, find_vitals
from pipelines.hindsight import find_outcomes
from pipelines.home import Home
from pipelines.page import add_pages, collect_phrases
from pipelines.population import Model, Population, build_population
from pipelines.rescoring import find_last, rescore_previous
from pipelines.warning import add_warnings, watch
from pipelines.warning_record import DOCUMENT, read_record
from pipelines.webhook import tell_targets

NOTHING_EARLIER = Earlier()
_MODELS: tuple[ModelName, ...] = ("churn", "renewal")


@dataclass(frozen=True)
class Published:
    """A snapshot and the id under which it is served.

    ``hold_out``: accounts to be left alone; ``forced``: why a gate would have held it back.
    """

    snapshot: Snapshot
    snapshot_id: str
    hold_out: tuple[str, ...] = ()
    forced: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The part about the snapshot of what ``keepwell run --json`` prints."""
        scored = sum(score.loss_probability is not None for score in self.snapshot.scores)
        return {
            "snapshot_id": self.snapshot_id,
            "as_of": None if self.snapshot.as_of is None else self.snapshot.as_of.isoformat(),
            "accounts": len(self.snapshot.scores),
            "accounts_scored": scored,
            "abstained": count_abstentions(self.snapshot.scores),
            "hold_out": list(self.hold_out),
            "forced": list(self.forced),
        }


def score_company(
    config: Config,
    source: Source,
    home: Home,
    *,
    population: Population | None = None,
    rows: Mapping[ModelName, Dataset] | None = None,
    force: bool = False,
    progress: Progress = silent,
) -> Published:
    """Score all customers as of the data's end with the promoted models, and publish.

    Without a promoted model the snapshot holds states and dates and no probability.

    Parameters
    ----------
    config : Config
    source : Source
    home : Home
        Where the promoted bundles and the store are.
    population : Population, optional
        Today's customers, when they were built before.
    rows : mapping of model name to Dataset, optional
        As-of rows of the past, when they were built before.
    force : bool
        Publish also what a gate would hold back.
    progress : callable

    Raises
    ------
    InputError
        With everything that holds the snapshot back; the old one stays.
    """
    if population is None:
        population = build_population(source, source.data_end, progress=progress)
    snapshot = score_population(config, population, home)
    snapshot = look_back(config, source, home, snapshot, rows=rows, progress=progress)
    snapshot = add_pages(snapshot, config, source, population, progress=progress)
    progress(f"publishing {len(snapshot.scores):,} accounts")
    return publish(snapshot, home, config, force=force)


def look_back(
    config: Config,
    source: Source,
    home: Home,
    snapshot: Snapshot,
    *,
    rows: Mapping[ModelName, Dataset] | None = None,
    progress: Progress = silent,
) -> Snapshot:
    """The snapshot with what it says of earlier ones.

    What its models make of the figures of the snapshot before, where that was made by others, and
    what became of the probabilities that were published.
    """
    models = scoring_models(read_champions(home, config))
    snapshot = rescore_previous(source, home, snapshot, models, rows=rows, progress=progress)
    return replace(snapshot, outcomes=find_outcomes(source, home, config.company))


def read_tiers(
    store: SnapshotStore, last: SnapshotHeader, as_of: date
) -> dict[str, tuple[Tier, int]]:
    """Tiers after the last run; another of the same day takes its place and counts once with it."""
    found = store.tiers(last.snapshot_id)
    if last.as_of != as_of:
        return found
    return {account: (tier, max(0, runs - 1)) for account, (tier, runs) in found.items()}


def score_population(config: Config, population: Population, home: Home) -> Snapshot:
    """The snapshot of a population under the promoted models.

    Raises
    ------
    InputError
        When a later ranking is served, or a model was trained on what came after this date.
    """
    bundles = read_champions(home, config)
    with SnapshotStore(home.store_url) as store:
        store.upgrade()
        header = store.current()
        served = header if header is not None and header.company == config.company else None
        check_order(config.company, population.as_of, served, bundles)
        # Before the first score run there may be backfilled ones.
        last = served or find_last(store, config.company)
        previous = {} if last is None else read_tiers(store, last, population.as_of)
        earlier = read_earlier(store, last)
    snapshot = build_snapshot(config, population, bundles, previous=previous, earlier=earlier)
    record = read_record(home, config.company)
    if record is None or not snapshot.documents:
        return snapshot
    return replace(snapshot, documents={**snapshot.documents, DOCUMENT: record})


def read_earlier(store: SnapshotStore, last: SnapshotHeader | None) -> Earlier:
    """The warnings of the snapshot before, which a score run carries on."""
    return Earlier() if last is None else Earlier(last.as_of, store.alerts(last.snapshot_id))


def check_order(
    company: str,
    as_of: date,
    served: SnapshotHeader | None,
    bundles: Mapping[ModelName, Bundle],
) -> None:
    """Refuse to replace a later ranking, and to score the past with a model that knows more."""
    problems = []
    own = served is not None and served.company == company
    if own and served is not None and served.as_of is not None and served.as_of > as_of:
        rule = f"{as_of} is before the ranking that is served, as of {served.as_of}"
        remedy = f"give {served.as_of} or later, or a KEEPWELL_HOME of its own for the past"
        problems.append(Problem("--as-of", "", rule, remedy=remedy))
    problems += knowledge_problems(as_of, bundles)
    if problems:
        raise InputError(problems)


def knowledge_problems(as_of: date, bundles: Mapping[ModelName, Bundle]) -> list[Problem]:
    """A problem for each model that knows more than could be known before the as-of date."""
    remedy = f"train with --as-of {as_of} in a KEEPWELL_HOME of its own, and go on there"
    return [
        Problem(
            "--as-of",
            "",
            f"the {name} model was trained on what was known by {bundle.card.data_end}",
            remedy=remedy,
        )
        for name, bundle in bundles.items()
        if bundle.card.data_end is not None and bundle.card.data_end > as_of
    ]


def publish(snapshot: Snapshot, home: Home, config: Config, *, force: bool = False) -> Published:
    """Write the snapshot into the store, move the pointer to it, and tell the targets of webhooks.

    Raises
    ------
    InputError
        With everything that holds it back, unless forced.
    """
    with SnapshotStore(home.store_url) as store:
        snapshot_id = store.publish(
            snapshot, gate=config.publish, force=force, retention=config.retention
        )
        header = store.header(snapshot_id)
    forced = header.forced if header is not None else ()
    tell_targets(home, config.webhooks)
    return Published(snapshot, snapshot_id, accounts_held_out(snapshot, config), forced)


def accounts_held_out(snapshot: Snapshot, config: Config) -> tuple[str, ...]:
    """The accounts of a snapshot that nobody is to work on, in the order of their ids."""
    chosen = config.interventions
    scores = sorted(snapshot.scores, key=lambda score: score.account_id)
    groups = [score.parent_id or score.account_id for score in scores]
    held = held_out(groups, share=chosen.hold_out_share, seed=chosen.seed)
    return tuple(score.account_id for score, out in zip(scores, held, strict=True) if out)


def read_champions(home: Home, config: Config) -> dict[ModelName, Bundle]:
    """The promoted bundle of each model that the configuration asks for."""
    found: dict[ModelName, Bundle] = {}
    for name in _MODELS:
        folder = champion(home.folder, config.company, name)
        if folder is not None and getattr(config.labels, name) is not None:
            found[name] = read_bundle(folder, threads=config.training.threads)
    return found


def scoring_models(bundles: Mapping[ModelName, Bundle]) -> dict[ModelName, Model]:
    """What scores of each bundle, its refits read too."""
    return {name: Model(bundle.predictor, read_refits(bundle)) for name, bundle in bundles.items()}


def build_snapshot(
    config: Config,
    population: Population,
    bundles: Mapping[ModelName, Bundle],
    *,
    previous: Mapping[str, tuple[Any, int]],
    earlier: Earlier = NOTHING_EARLIER,
) -> Snapshot:
    """The snapshot of a population under the given models.

    Parameters
    ----------
    config : Config
    population : Population
    bundles : mapping of model name to Bundle
        Empty when nothing is promoted yet.
    previous : mapping of account id to (tier, runs below)
        From the snapshot before, so that tiers do not flap.
    earlier : Earlier
        Its warnings, so that they do not flap either.
    """
    voices = Voices(
        scoring_models(bundles),
        read_thresholds(config, bundles),
        {name: _identity(bundle.card) for name, bundle in bundles.items()},
    )
    return assemble_snapshot(config, population, voices, previous=previous, earlier=earlier)


@dataclass(frozen=True)
class Voices:
    """What speaks in a snapshot.

    Parameters
    ----------
    models : mapping of model name to Model
    thresholds : Thresholds or None
        Of the tiers; None: no account has one.
    identities : mapping of model name to mapping
        What the snapshot says of each model.
    """

    models: Mapping[ModelName, Model]
    thresholds: Thresholds | None
    identities: Mapping[ModelName, Mapping[str, object]]


def assemble_snapshot(
    config: Config,
    population: Population,
    voices: Voices,
    *,
    previous: Mapping[str, tuple[Any, int]],
    earlier: Earlier = NOTHING_EARLIER,
) -> Snapshot:
    """The snapshot of a population under given models; the rest as for `build_snapshot`."""
    thresholds = voices.thresholds
    scores = score_accounts(
        config,
        population,
        voices.models,
        thresholds=thresholds,
        previous=previous,
        vitals=find_vitals(population, config.health, currency=config.currency),
    )
    watched = watch(config, population)
    if watched is not None:
        scores = add_warnings(watched, scores, as_of=population.as_of, earlier=earlier)
    known_money = any(score.arr is not None for score in scores)
    return Snapshot(
        as_of=population.as_of,
        data_end=population.as_of,
        company=config.company,
        currency=config.currency if known_money else None,
        created_at=datetime.now(UTC),
        models={name: voices.identities.get(name) for name in _MODELS},
        thresholds=None
        if thresholds is None
        else {"high": thresholds.high, "medium": thresholds.medium},
        scores=scores,
        config_hash=hashlib.sha256(config.to_yaml().encode()).hexdigest(),
        stale_after_days=config.serving.stale_after_days,
        capacity=config.team.capacity,
        documents={
            "health": describe_health(population, config.health),
            PHRASES: collect_phrases(population),
            **({} if watched is None else watched.to_documents()),
        },
    )


def read_thresholds(config: Config, bundles: Mapping[ModelName, Bundle]) -> Thresholds | None:
    """Thresholds of the tiers: the configuration's, else those of the latest promoted model.

    None without either, and for judged copies: a card's thresholds fit the team on its last day.
    """
    if config.tiers.high is not None and config.tiers.medium is not None:
        return Thresholds(high=config.tiers.high, medium=config.tiers.medium)
    cards = [bundle.card for bundle in bundles.values() if bundle.copy == "shipped"]
    if not cards:
        return None
    latest = max(cards, key=lambda card: card.created_at).thresholds
    return Thresholds(high=latest.high, medium=latest.medium)


def _identity(card: Card) -> dict[str, object]:
    return {
        "version": card.version,
        "created_at": card.created_at.isoformat(),
        **say_span(card.model, card.horizon_days, card.lead_days),
        "label": card.label,
    }


def say_span(model: str, horizon_days: int | None, lead_days: int | None) -> dict[str, object]:
    """The time that a model speaks of, as a snapshot says it."""
    if model == "renewal":
        return {"max_lead_days": horizon_days}
    return {"horizon_days": horizon_days, "lead_days": lead_days}
