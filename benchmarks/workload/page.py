"""Snapshots as full as a company with every table has them, for the pages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

from benchmarks.workload.api import make_snapshot
from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.growth import GrowthReason
from models.health import Health, HealthFactor
from models.playbook import read_playbooks
from models.snapshot import Snapshot
from models.warning_rule import read_rules

LAST = date(2026, 11, 1)
RULES = read_rules()
DOCUMENTS = {
    "warnings": [
        rule.model_dump(mode="json", include={"name", "severity", "title", "text", "practice"})
        for rule in RULES
    ],
    "playbooks": [one.to_json() for one in read_playbooks()],
    "health": {
        "north_star": {
            "feature": "value_actions_28d",
            "unit": "actions",
            "meaning": "Events in the last 28 days that deliver value.",
            "change": "value_change_28d",
        }
    },
}
GROUPS = ("activity", "adoption", "contract", "people", "relationship", "support", "value", "voice")
FACTORS = tuple(
    HealthFactor(
        f"figure_{number}_28d", "outcome" if number < 14 else "experience", 60.0, 1 / 21, 0.6,
        "share", f"60 % of what figure {number} can be, in 28 days",
    )
    for number in range(21)
)  # fmt: skip


def make_full_snapshot(accounts: int, *, weeks_ago: int = 0) -> Snapshot:
    """A snapshot of the same accounts, with all that a score run knows of them.

    Five drivers, 21 factors of health, up to four warnings, three playbooks, eight groups. The
    chances of each account move from week to week.
    """
    as_of = LAST - timedelta(weeks=weeks_ago)
    bare = make_snapshot(accounts)
    scores = tuple(
        _fill(score, number, weeks_ago, as_of) for number, score in enumerate(bare.scores)
    )
    return replace(bare, as_of=as_of, data_end=as_of, scores=scores, documents=DOCUMENTS)


def _fill(score: AccountScore, number: int, weeks_ago: int, as_of: date) -> AccountScore:
    assert score.loss_probability is not None
    assert score.arr_to_decide is not None
    step = (number * 7 + weeks_ago * 13) % 21 - 10  # points up or down
    loss = min(0.99, max(0.01, score.loss_probability + step / 100))
    rules = islice(RULES, number % 5, number % 5 + number % 5)
    return replace(
        score,
        loss_probability=loss,
        renewal_likelihood=1 - loss,
        arr_at_risk=score.arr_to_decide * loss,
        drivers=tuple(
            Driver(
                f"figure_{place}_28d", group, f"figure {place} fell by {number % 90} % in 28 days",
                -0.3, "share", 0.5 / (place + 1), previous=0.1, peer_low=-0.1, peer_high=0.2,
                points=0.05,
            )
            for place, group in enumerate(GROUPS[:5])
        ),
        contributions={group: 0.1 * place + step / 100 for place, group in enumerate(GROUPS)},
        health=Health(score=60.0, outcome=60.0, experience=60.0, coverage=0.9, profile="standard",
                      factors=FACTORS),
        north_star=float(number % 300),
        north_star_change=-0.1,
        alerts=tuple(
            Alert(rule.name, None, rule.severity, "kept", f"{rule.name} by {number % 50} %", 1.0,
                  None, as_of - timedelta(7 * (number % 4)), playbook="listen")
            for rule in rules
        ),
        playbooks=("listen", "show-value", "new-contact"),
        growth=(GrowthReason("seats_full", 0.95),) if number % 40 == 0 else (),
    )  # fmt: skip
