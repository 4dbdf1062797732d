"""The examples of the API description; a test holds them to the response models."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]  # Any: a JSON document

SNAPSHOT: Document = {
    "company": "acme",
    "snapshot_id": "1m803jec5jhpb",
    "as_of": "2026-11-01",
    "data_end": "2026-11-01",
    "thresholds": {"high": 0.5, "medium": 0.2},
    "models": {
        "churn": {"version": "7", "horizon_days": 90, "lead_days": 0, "max_lead_days": None},
        "renewal": {"version": "5", "horizon_days": None, "lead_days": None, "max_lead_days": 180},
    },
    "stale": False,
}

RANKED_ACCOUNT: Document = {
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "name": "Northwind Traders",
    "segment": "mid-market",
    "account_tier": "gold",
    "region": "emea",
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
    "health_score": 46.0,
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
    "warnings": ["use_halved_in_a_week"],
    "owner": "csm-4",
}

ACCOUNT_RISK: Document = {
    **RANKED_ACCOUNT,
    "base_probability": 0.2,
    "groups": [
        {"group": "usage", "contribution": 1.2, "points": 0.269},
        {"group": "contract", "contribution": 0.719, "points": 0.161},
    ],
    "health": {
        "outcome": 40.0,
        "experience": 70.0,
        "coverage": 0.72,
        "profile": "standard",
        "factors": [
            {
                "feature": "login_ratio_28d",
                "side": "outcome",
                "factor_score": 40.0,
                "weight": 0.8,
                "value": 0.44,
                "unit": "ratio",
                "text": "44 % of the seats used in 28 days",
            },
            {
                "feature": "nps_latest",
                "side": "experience",
                "factor_score": 70.0,
                "weight": 0.2,
                "value": 7.2,
                "unit": "rating",
                "text": "latest NPS 7.2",
            },
        ],
    },
    "alerts": [
        {
            "rule": "use_halved_in_a_week",
            "subject": None,
            "severity": "urgent",
            "status": "opened",
            "text": "use \N{MINUS SIGN}62 % week on week",
            "value": -0.62,
            "unit": "change",
            "first_seen": "2026-11-01",
            "playbook": "call-this-week",
        }
    ],
    "playbooks": ["call-this-week", "prepare-renewal"],
    "previous": {
        "snapshot_id": "1m7z8k5r0a2vd",
        "as_of": "2026-10-01",
        "loss_probability": 0.41,
        "risk_tier": "medium",
    },
    "change_kind": "rescored",
    "model_change": 0.01,
    "changed_by": [
        {"group": "usage", "change": 0.86, "points": 0.211},
        {"group": "contract", "change": -0.046, "points": -0.011},
    ],
    **SNAPSHOT,
}

PAGE_OF_ACCOUNTS: Document = {
    **SNAPSHOT,
    "accounts": [RANKED_ACCOUNT],
    "gone": None,
    "gone_external_ids": None,
    "has_more": True,
    "next_cursor": "MW04MDNqZWM1amhwYi4xLjVhN2U3YjQ3OTFkMTJjMDM",
}

PORTFOLIO: Document = {
    **SNAPSHOT,
    "currency": "USD",
    "accounts": 412,
    "states": {
        "to_decide": 96,
        "renewed": 31,
        "notice_given": 4,
        "auto_renewed": 12,
        "no_term": 240,
        "in_grace": 5,
        "too_little_history": 24,
    },
    "risk_tiers": {"high": 38, "medium": 81, "low": 222},
    "arr_at_risk": {"renewal": 412000.0, "churn": 655000.0},
    "arr_high_tier": 1105000.0,
    "arr_notice_given": 88000.0,
}

TRACK_RECORD: Document = {
    **SNAPSHOT,
    "currency": "USD",
    "record": {
        "snapshot_id": "1kwdfkd00cwyj",
        "as_of": "2026-07-01",
        "backfilled": True,
        "known_by": "2026-10-31",
        "unknown": 3,
        "high_unknown": 1,
        "top_unknown": 1,
        "total": {
            "accounts": 338,
            "lost": 21,
            "expected": 23.4,
            "arr": 6120000.0,
            "arr_lost": 402000.0,
        },
        "high": {
            "accounts": 39,
            "lost": 13,
            "expected": 15.1,
            "arr": 905000.0,
            "arr_lost": 288000.0,
        },
        "high_worked_on": {
            "accounts": 9,
            "lost": 2,
            "expected": 3.6,
            "arr": 240000.0,
            "arr_lost": 41000.0,
        },
        "high_left_alone": {
            "accounts": 30,
            "lost": 11,
            "expected": 11.5,
            "arr": 665000.0,
            "arr_lost": 247000.0,
        },
        "said_counted": True,
        "top": {
            "accounts": 39,
            "lost": 12,
            "expected": 14.2,
            "arr": 1730000.0,
            "arr_lost": 301500.0,
        },
        "arr_lost_in_top": 0.75,
    },
}

HISTORY: Document = {
    "company": "acme",
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "is_gone": False,
    "history": [
        {
            "snapshot_id": "1m803jec5jhpb",
            "as_of": "2026-11-01",
            "created_at": "2026-11-01T03:12:44Z",
            "state": "to_decide",
            "basis": "renewal",
            "churn_probability": 0.21,
            "renewal_likelihood": 0.37,
            "loss_probability": 0.63,
            "risk_tier": "high",
            "currency": "USD",
            "arr": 48000.0,
            "arr_at_risk": 22680.0,
            "health_score": 46.0,
            "backfilled": False,
        }
    ],
}

BATCH_REQUEST: Document = {"external_ids": ["0015g00000XyZab", "0015g00000QqQqQ"]}

BATCH: Document = {
    **SNAPSHOT,
    "results": [
        {
            "id": "0015g00000XyZab",
            "account": {
                "account_id": "A17",
                "loss_probability": 0.63,
                "risk_tier": "high",
                "top_drivers": [
                    {
                        "feature": "logins_trend_91d",
                        "text": "Logins fell by 62 % against the 13 weeks before",
                        "points": 0.182,
                    }
                ],
            },
        },
        {"id": "0015g00000QqQqQ", "error": "unknown-account"},
    ],
}

FEEDBACK_REQUEST: Document = {
    "snapshot_id": "1m803jec5jhpb",
    "disposition": "disagree",
    "reason": "usage_is_seasonal",
    "note": "A school: nobody logs in during the holidays",
}

FEEDBACK: Document = {
    "feedback_id": "5f1c09ab2f7e4d10",
    "snapshot_id": "1m803jec5jhpb",
    "account_id": "A17",
    "disposition": "disagree",
    "reason": "usage_is_seasonal",
    "snooze_until": None,
    "note": "A school: nobody logs in during the holidays",
    "created_at": "2026-11-02T09:30:11Z",
}

LOSS_REASON_REQUEST: Document = {"reason": "missing_capability"}

LOSS_REASON: Document = {
    "loss_reason_id": "0c6b5d7a91e23f48",
    "account_id": "A17",
    "reason": "missing_capability",
    "created_at": "2027-03-02T08:01:00Z",
}

SAID: Document = {
    "company": "acme",
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "feedback": [FEEDBACK],
    "loss_reason": LOSS_REASON,
}

MUTE_REQUEST: Document = {
    "rule": "use_halved_in_a_week",
    "until": "2026-12-01",
    "reason": "usage_is_seasonal",
    "note": "A school: nobody logs in during the holidays",
}

MUTE: Document = {
    "mute_id": "7a31c5d00e92b64f",
    "account_id": "A17",
    "rule": "use_halved_in_a_week",
    "subject": None,
    "until": "2026-12-01",
    "reason": "usage_is_seasonal",
    "note": "A school: nobody logs in during the holidays",
    "created_at": "2026-11-02T09:40:00Z",
}

WARNINGS: Document = {
    "company": "acme",
    "snapshot_id": "1m803jec5jhpb",
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "warnings": [{**ACCOUNT_RISK["alerts"][0], "muted": MUTE}],
}

PLAYBOOK_REQUEST: Document = {"playbook": "call-this-week", "status": "started"}

PLAYBOOK_ACTION: Document = {
    "action_id": "b0c4417f9ad2e856",
    "snapshot_id": "1m803jec5jhpb",
    "account_id": "A17",
    "playbook": "call-this-week",
    "status": "started",
    "due_on": "2026-11-09",
    "note": None,
    "created_at": "2026-11-02T09:45:30Z",
}

PLAYBOOKS: Document = {
    "company": "acme",
    "snapshot_id": "1m803jec5jhpb",
    "account_id": "A17",
    "external_id": "0015g00000XyZabAAF",
    "offered": [
        {
            "name": "call-this-week",
            "title": {"en": "Call this week", "zh": "本周致电"},
            "action": {"en": "Call the key user this week and ask what changed."},
            "steps": {"en": ["Look up which module fell first.", "Call, do not write."]},
            "who": "csm",
            "due_days": 7,
            "drivers": [
                {
                    name: ACCOUNT_RISK["drivers"][0][name]
                    for name in ("feature", "group", "text", "points")
                }
            ],
            "warnings": [
                {name: ACCOUNT_RISK["alerts"][0][name] for name in ("rule", "subject", "text")}
            ],
        }
    ],
    "tasks": [
        {
            "playbook": "call-this-week",
            "status": "started",
            "started_on": "2026-11-02",
            "due_on": "2026-11-09",
            "ended_on": None,
            "overdue": False,
        }
    ],
    "actions": [PLAYBOOK_ACTION],
}

TARGET_REQUEST: Document = {
    "name": "crm",
    "url": "https://crm.example.com/hooks/keepwell",
    "row_filter": {"segment": ["mid-market"]},
}

TARGET: Document = {
    "target_id": "wh_7m2xk4qa",
    "name": "crm",
    "url": "https://crm.example.com/…",
    "row_filter": {"segment": ["mid-market"]},
    "created_at": "2026-11-02T09:00:00Z",
    "stopped": None,
    "failing_since": None,
    "old_secret_until": None,
    "waiting": 0,
    "sent": 17,
    "dead": 0,
}

TARGETS: Document = {"targets": [TARGET]}

NEW_TARGET: Document = {
    **TARGET,
    "sent": 0,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwJzXbYNzJXzE=",
}

SECRET_REQUEST: Document = {"overlap_hours": 24}

NEW_SECRET: Document = {**NEW_TARGET, "old_secret_until": "2026-11-03T09:00:00Z", "sent": 17}

SNAPSHOTS: Document = {
    "snapshots": [
        {
            "company": "acme",
            "snapshot_id": "1m803jec5jhpb",
            "is_current": True,
            "as_of": "2026-11-01",
            "data_end": "2026-11-01",
            "created_at": "2026-11-01T03:12:44Z",
            "backfilled": False,
            "accounts": 412,
            "models": SNAPSHOT["models"],
            "thresholds": SNAPSHOT["thresholds"],
        }
    ],
}

MODEL: Document = {
    **SNAPSHOT,
    "name": "renewal",
    "model": SNAPSHOT["models"]["renewal"],
    "card": {
        "version": "5",
        "created_at": "2026-10-28T10:00:00Z",
        "label": "The contract ends without a successor within 30 days",
        "horizon_days": 180,
        "lead_days": 0,
        "first_as_of": "2024-11-01",
        "last_as_of": "2026-04-01",
        "data_end": "2026-10-28",
        "features": ["logins_trend_91d", "seat_utilisation"],
        "thresholds": {"high": 0.5, "medium": 0.2},
        "rows": 5120,
        "positives": 611,
        "metrics": {"auc": 0.84},
        "versions": {"lightgbm": "4.7.0"},
    },
}

ROWS_REQUEST: Document = {"rows": [{"logins_trend_91d": -0.62, "plan": "Starter"}]}

ROWS: Document = {
    "company": "acme",
    "name": "renewal",
    "version": "5",
    "horizon_days": None,
    "lead_days": None,
    "base_probability": 0.2,
    "base_log_odds": -1.386,
    "results": [
        {
            "loss_probability": 0.41,
            "log_odds": -0.364,
            "drivers": [
                {
                    "feature": "logins_trend_91d",
                    "group": "usage",
                    "value": -0.62,
                    "direction": "raises",
                    "contribution": 0.9,
                    "points": 0.185,
                }
            ],
            "groups": [
                {"group": "usage", "contribution": 0.9, "points": 0.185},
                {"group": "contract", "contribution": 0.122, "points": 0.025},
            ],
        }
    ],
}
