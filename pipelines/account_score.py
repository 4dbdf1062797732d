"""The score of every account: its state, money, probabilities, tier and drivers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.dataset import ModelName
from models.account_score import STATES_AT_RISK, Abstention, AccountScore, Basis
from models.tier import Thresholds, assign_tier
from pipelines.collection import no_collection
from pipelines.config import Config
from pipelines.health import Vitals
from pipelines.population import Model, Outlook, Population, Prediction, lead_prediction, predict
from pipelines.reason import Reasons, find_reasons

DRIVERS = 5
_SHOWN = ("external_id", "name", "parent_id", "segment", "account_tier", "region", "owner")


def score_accounts(
    config: Config,
    population: Population,
    models: Mapping[ModelName, Model],
    *,
    thresholds: Thresholds | None,
    previous: Mapping[str, tuple[Any, int]],
    vitals: Mapping[str, Vitals] | None = None,
) -> tuple[AccountScore, ...]:
    """The score of every account of a population, in its order; see `build_snapshot`."""
    with no_collection():
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
        scoring = _Scoring(config, predictions, reasons, thresholds, previous, vitals or {})
        return tuple(
            _score(state, lead, scoring) for state, lead in zip(states, leads, strict=True)
        )


@dataclass(frozen=True)
class _Scoring:
    """What every account of a snapshot is scored with."""

    config: Config
    predictions: Mapping[ModelName, Prediction]
    reasons: Mapping[ModelName, Reasons]
    thresholds: Thresholds | None
    previous: Mapping[str, tuple[Any, int]]
    vitals: Mapping[str, Vitals]


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
    arr, account = _number(state["arr"]), str(state["account_id"])
    vitals = scoring.vitals.get(account)
    return AccountScore(
        account_id=account,
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
        **({} if vitals is None else vitals._asdict()),
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
