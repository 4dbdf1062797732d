"""The example of the API description; a test holds it to the response model."""

from __future__ import annotations

from typing import Any

ACCOUNT_RISK: dict[str, Any] = {  # Any: a JSON document
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "name": "Northwind Traders",
    "segment": "mid-market",
    "account_tier": "gold",
    "region": "emea",
    "owner": "csm-4",
    "parent_id": None,
    "currency": "USD",
    "arr": 48000.0,
    "arr_under_notice": 12000.0,
    "arr_to_decide": 36000.0,
    "arr_at_risk": 22680.0,
    "state": "to_decide",
    "basis": "renewal",
    "churn_probability": 0.21,
    "renewal_likelihood": 0.37,
    "loss_probability": 0.63,
    "loss_probability_interval": [0.44, 0.79],
    "abstained": None,
    "risk_tier": "high",
    "contract_id": "C-2041",
    "decision_date": "2026-12-01",
    "renewal_date": "2027-03-01",
    "drivers": [
        {
            "feature": "logins_trend_91d",
            "group": "usage",
            "text": "Logins fell by 62 % against the 13 weeks before",
            "value": -0.62,
            "unit": "share",
            "previous": 0.04,
            "peer_low": -0.15,
            "peer_high": 0.12,
            "direction": "raises",
            "contribution": 0.81,
            "points": 0.182,
        }
    ],
    "snapshot_id": "1m803jec5jhpb",
    "as_of": "2026-11-01",
    "data_end": "2026-11-01",
    "thresholds": {"high": 0.5, "medium": 0.2},
    "models": {
        "churn": {"version": "7", "horizon_days": 90, "lead_days": 0, "max_lead_days": None},
        "renewal": {"version": "5", "horizon_days": None, "lead_days": None, "max_lead_days": 180},
    },
    "base_probability": 0.2,
    "groups": [
        {"group": "usage", "contribution": 1.2, "points": 0.269},
        {"group": "contract", "contribution": 0.719, "points": 0.161},
    ],
}
