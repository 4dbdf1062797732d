"""A score run: every customer's probabilities, state, money, tier and drivers, published."""

from __future__ import annotations

import gc
import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from features.dataset import ModelName
from features.errors import InputError, Problem
from features.progress import Progress, silent
from features.source import Source
from models.bundle import Bundle, read_bundle, read_refits
from models.champion import champion
from models.intervention import held_out
from models.snapshot import (
    STATES_AT_RISK,
    Abstention,
    AccountScore,
    Basis,
    Snapshot,
    SnapshotHeader,
    count_abstentions,
)
from models.store import SnapshotStore
from models.tier import Thresholds, assign_tier
from pipelines.config import Config
from pipelines.home import Home
from pipelines.population import (
    Model,
    Outlook,
    Population,
    Prediction,
    build_population,
    lead_prediction,
    predict,
)
from pipelines.reason import Reasons, find_reasons

DRIVERS = 5
_MODELS: tuple[ModelName, ...] = ("churn", "renewal")
_SHOWN = ("external_id", "name", "parent_id", "segment", "account_tier", "region", "owner")


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
            "as_of": self.snapshot.as_of.isoformat(),
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
    progress(f"publishing {len(snapshot.scores):,} accounts")
    return publish(snapshot, home, config, force=force)


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
        _check_order(population.as_of, served, bundles)
        previous = dict(store.tiers(served.snapshot_id)) if served is not None else {}
    return build_snapshot(config, population, bundles, previous=previous)


def _check_order(
    as_of: date, served: SnapshotHeader | None, bundles: Mapping[ModelName, Bundle]
) -> None:
    """Refuse to replace a later ranking, and to score the past with a model that knows more."""
    problems = []
    if served is not None and served.as_of > as_of:
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
        if bundle.card.data_end > as_of
    ]


def publish(snapshot: Snapshot, home: Home, config: Config, *, force: bool = False) -> Published:
    """Write the snapshot into the store and move the pointer to it.

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
    """
    thresholds = read_thresholds(config, bundles)
    models = scoring_models(bundles)
    scores = score_accounts(config, population, models, thresholds=thresholds, previous=previous)
    known_money = any(score.arr is not None for score in scores)
    return Snapshot(
        as_of=population.as_of,
        data_end=population.as_of,
        company=config.company,
        currency=config.currency if known_money else None,
        created_at=datetime.now(UTC),
        models={name: _identity(bundles.get(name)) for name in _MODELS},
        thresholds=None
        if thresholds is None
        else {"high": thresholds.high, "medium": thresholds.medium},
        scores=scores,
        config_hash=hashlib.sha256(config.to_yaml().encode()).hexdigest(),
    )


def score_accounts(
    config: Config,
    population: Population,
    models: Mapping[ModelName, Model],
    *,
    thresholds: Thresholds | None,
    previous: Mapping[str, tuple[Any, int]],
) -> tuple[AccountScore, ...]:
    """The score of every account of a population, in its order; see `build_snapshot`."""
    with _no_collection():
        predictions = predict(population, models, rules=config.abstention)
        states = population.accounts
        leads = [
            lead_prediction(state, predictions) if state["state"] in STATES_AT_RISK else None
            for state in states
        ]
        reasons = {
            name: find_reasons(
                population,
                found,
                # Only what is published is explained: that is what takes the time.
                [lead[1].row for lead in leads if lead and lead[0] == name],
                currency=config.currency,
                count=DRIVERS,
            )
            for name, found in predictions.items()
        }
        scoring = _Scoring(config, predictions, reasons, thresholds, previous)
        return tuple(
            _score(state, lead, scoring) for state, lead in zip(states, leads, strict=True)
        )


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cycles while hundreds of thousands of objects are made that form none.

    It would look at all of them again and again, which takes a third of a score run.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def read_thresholds(config: Config, bundles: Mapping[ModelName, Bundle]) -> Thresholds | None:
    """Thresholds of the tiers: the configuration's, else those of the latest promoted model."""
    if config.tiers.high is not None and config.tiers.medium is not None:
        return Thresholds(high=config.tiers.high, medium=config.tiers.medium)
    if not bundles:
        return None
    latest = max(bundles.values(), key=lambda bundle: bundle.card.created_at).card.thresholds
    return Thresholds(high=latest.high, medium=latest.medium)


def _identity(bundle: Bundle | None) -> dict[str, object] | None:
    if bundle is None:
        return None
    card = bundle.card
    return {
        "version": card.version,
        "created_at": card.created_at.isoformat(),
        **(
            {"max_lead_days": card.horizon_days}
            if card.model == "renewal"
            else {"horizon_days": card.horizon_days, "lead_days": card.lead_days}
        ),
        "label": card.label,
    }


@dataclass(frozen=True)
class _Scoring:
    """What every account of a snapshot is scored with."""

    config: Config
    predictions: Mapping[ModelName, Prediction]
    reasons: Mapping[ModelName, Reasons]
    thresholds: Thresholds | None
    previous: Mapping[str, tuple[Any, int]]


def _score(
    state: Mapping[str, Any],  # Any: a row of states
    lead: tuple[ModelName, Outlook] | None,
    scoring: _Scoring,
) -> AccountScore:
    """One account's score; what does not apply stays None."""
    abstained: Abstention | None = None
    if state["state"] == "too_little_history":
        abstained = "too_little_history"
    risk: dict[str, Any] = {}
    if lead is not None:
        abstained = lead[1].abstained
        risk = {} if abstained else _risk(state, scoring, lead)
    arr = _number(state["arr"])
    return AccountScore(
        account_id=str(state["account_id"]),
        state=state["state"],
        **{name: state[name] for name in _SHOWN},
        currency=None if arr is None else scoring.config.currency,
        arr=arr,
        arr_under_notice=_number(state["arr_of_notice"]),
        contract_id=state["contract_id"],
        decision_date=state["decision_date"],
        renewal_date=state["renewal_date"],
        abstained=abstained,
        **risk,
    )


def _risk(
    state: Mapping[str, Any], scoring: _Scoring, lead: tuple[ModelName, Outlook]
) -> dict[str, Any]:
    """What the leading model says of an account, as `AccountScore` takes it."""
    basis: Basis = lead[0]
    row, loss, interval, _ = lead[1]
    predictions, account = scoring.predictions, str(state["account_id"])
    at_stake = _arr_at_stake(state, basis)
    churn = predictions["churn"].outlook(account) if "churn" in predictions else None
    tier, runs = (None, 0)
    if scoring.thresholds is not None:
        before, runs_before = scoring.previous.get(account, (None, 0))
        tier, runs = assign_tier(loss, scoring.thresholds, previous=before, runs_below=runs_before)
    return {
        "basis": basis,
        "churn_probability": None if churn is None or churn.abstained else churn.probability,
        "renewal_likelihood": 1.0 - loss if basis == "renewal" else None,
        "loss_probability": loss,
        "loss_probability_low": None if interval is None else interval[0],
        "loss_probability_high": None if interval is None else interval[1],
        "arr_to_decide": at_stake,
        "arr_at_risk": None if at_stake is None else at_stake * loss,
        "risk_tier": tier,
        "tier_runs_below": runs,
        "drivers": scoring.reasons[basis].drivers(row),
        "contributions": scoring.reasons[basis].groups(row),
        "base_log_odds": scoring.reasons[basis].explanation.base,
    }


def _arr_at_stake(state: Mapping[str, Any], basis: Basis) -> float | None:
    """The ARR that the loss probability speaks of: that of the due contracts, or the account's.

    What runs under notice is already lost and not counted again.
    """
    if basis == "renewal":
        return _number(state["arr_of_due"])
    arr = _number(state["arr"])
    return None if arr is None else arr - (_number(state["arr_of_notice"]) or 0.0)


def _number(value: Any) -> float | None:  # Any: a cell of a frame
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None
