"""Small made-up snapshots for tests of the store and the service."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.health import Health, HealthFactor
from models.playbook import read_playbooks
from models.snapshot import Snapshot

DRIVERS = (
    Driver("logins_trend", "usage", "Logins fell by 62 %", -0.62, "share", 0.8,
           previous=0.04, peer_low=-0.2, peer_high=0.1, points=0.4764),
    Driver("plan", "contracts", "On the plan “Début”", "Début", None, 0.3, previous="Pro"),
    Driver("fit", "fit", "Product fit is not known", None, "share", -0.1),
)  # fmt: skip

FACTORS = (
    HealthFactor("seats_used", "outcome", 48.0, 0.75, 0.48, "share", "48 % of the seats used"),
    HealthFactor("nps_latest", "experience", 80.0, 0.25, 8.0, "rating", "latest NPS 8"),
)
HEALTH = Health(
    score=56.0, outcome=48.0, experience=80.0, coverage=0.6, profile="standard", factors=FACTORS
)
WARNED = (
    Alert("poor_fit", None, "soon", "kept", "the product covers 20 % of the needs", 0.2, "share",
          date(2026, 10, 1), playbook="listen"),
    Alert("module_use_halved", "reporting", "soon", "opened", "use of reporting fell", -0.6,
          "change", date(2026, 11, 1)),
    Alert("escalation_open", None, "urgent", "closed", "1 open escalation", 1.0, "tickets",
          date(2026, 9, 1), runs_clear=2),
)  # fmt: skip
PLAYBOOKS = {"playbooks": [one.to_json() for one in read_playbooks()]}


def due(account_id: str, loss: float, arr: float | None = 1000.0, **changes: Any) -> AccountScore:
    """An account whose renewal is to be decided."""
    fields: dict[str, Any] = {
        "account_id": account_id,
        "state": "to_decide",
        "external_id": f"001{account_id}",
        "name": f"Company {account_id}",
        "parent_id": "P1",
        "segment": "smb",
        "account_tier": "gold",
        "region": "emea",
        "owner": "team-1",
        "currency": "EUR",
        "arr": arr,
        "arr_to_decide": arr,
        "basis": "renewal",
        "contract_id": f"C-{account_id}",
        "decision_date": date(2026, 11, 15),
        "renewal_date": date(2026, 12, 15),
        "churn_probability": loss / 2,
        "renewal_likelihood": 1 - loss,
        "loss_probability": loss,
        "arr_at_risk": None if arr is None else arr * loss,
        "risk_tier": "high" if loss >= 0.5 else "low",
        "tier_runs_below": 1,
        "drivers": DRIVERS,
        "contributions": {"usage": 0.8, "contracts": 0.3, "fit": -0.1},
        "base_log_odds": -1.7,
    }
    return AccountScore(**{**fields, **changes})


def lost(account_id: str, arr: float | None = 500.0) -> AccountScore:
    """An account that gave notice: nothing about it is at risk any more."""
    return AccountScore(
        account_id=account_id,
        state="notice_given",
        currency="EUR",
        arr=arr,
        arr_under_notice=arr,
    )


def snapshot(*scores: AccountScore, **changes: Any) -> Snapshot:
    """A snapshot of the given accounts."""
    fields: dict[str, Any] = {
        "as_of": date(2026, 11, 1),
        "data_end": date(2026, 11, 2),
        "company": "demo",
        "currency": "EUR",
        "created_at": datetime(2026, 11, 2, 3, 4, 5, 678901, UTC),
        "models": {
            "churn": None,
            "renewal": {"version": "3", "max_lead_days": 180, "lead_days": 0},
        },
        "thresholds": {"high": 0.5, "medium": 0.2},
        "scores": scores,
        "config_hash": "c0ffee",
    }
    return Snapshot(**{**fields, **changes})
