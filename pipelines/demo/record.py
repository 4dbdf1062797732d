"""What the demo's vendor keeps of its own: invoices, milestones, interventions and rates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.cause import INTERVENTION, ONBOARDING, is_active, spells
from pipelines.demo.contact import dates_of
from pipelines.demo.period import DATA_END, DATA_START, Days, add_months
from pipelines.demo.world import World

ONBOARDING_STEPS = (("first_value", 30), ("team_rollout", 90))  # planned days after go-live
GOALS_A_DAY = 1 / 130
PLAYBOOKS = ("executive_call", "onboarding_restart", "training_series", "commercial_review")
DECLINED_A_DAY = 1 / 1500
RATES = {"USD": 1.0, "EUR": 1.09, "GBP": 1.27}  # to USD at the beginning


def draw_invoices(rng: np.random.Generator, terms: pd.DataFrame) -> pd.DataFrame:
    """The contract table ``invoices``: one per billing period, in the contract's currency."""
    rows = []
    fields = ["account_id", "start_date", "actual_end", "billing_period_months", "arr"]
    paying = terms[terms["arr"] > 0]
    for account, start, end, months, arr in paying[fields].itertuples(index=False, name=None):
        day = start
        while day < min(end, DATA_END):
            rows.append((account, day, round(arr * months / 12, 2)))
            day = add_months(day, months)
    table = pd.DataFrame(rows, columns=["account_id", "issued_at", "amount"])
    late = rng.random(len(table)) < 0.08
    after_due = np.where(late, rng.uniform(5, 70, len(table)), rng.normal(-6, 6, len(table)))
    table["due_at"] = table["issued_at"] + 30
    paid = (table["due_at"] + np.round(after_due)).clip(lower=table["issued_at"])
    table["paid_at"] = paid.where(paid < DATA_END)
    table = table[["account_id", "issued_at", "due_at", "paid_at", "amount"]]
    return table.sort_values(["account_id", "issued_at"], kind="stable", ignore_index=True)


def draw_milestones(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """The contract table ``milestones``: onboarding to day 30 and day 90, and later goals.

    What an account had not reached on its last day it never reaches.
    """
    births, lasts = world.births, world.lasts
    slow = is_active(world.states[np.arange(len(births)), births], ONBOARDING)
    recovered = np.full(len(births), np.nan)
    slow_spells = spells(world.states, births, lasts, ONBOARDING)
    recovered[slow_spells["account"]] = slow_spells["ended"]
    frames = []
    for name, planned in ONBOARDING_STEPS:
        in_time = births + np.round(planned * rng.uniform(0.45, 1.12, len(births)))
        late = births + planned + rng.integers(8, 40, len(births))
        reached = np.where(slow, np.maximum(late, recovered - (90 - planned)), in_time)
        frames.append(
            _milestones("onboarding", name, np.arange(len(births)), births + planned, reached)
        )
    account, day = dates_of(rng, GOALS_A_DAY * world.present)
    reached = day + np.round(rng.normal(0, 20, len(day)))
    reached[rng.random(len(day)) < 0.3] = np.nan
    frames.append(_milestones("goal", "adoption_goal", account, day, reached))
    table = pd.concat(frames).sort_values(["account", "planned_at", "name"], ignore_index=True)
    too_late = table["reached_at"] >= np.minimum(lasts, DATA_END)[table["account"]]
    table.loc[too_late, "reached_at"] = np.nan
    table.insert(0, "account_id", world.account_ids(table["account"].to_numpy()))
    return table.drop(columns="account")


def _milestones(
    kind: str,
    name: str,
    account: Days,
    planned: Days,
    reached: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account": account,
            "kind": kind,
            "name": name,
            "planned_at": planned,
            "reached_at": reached,
        }
    )


def draw_interventions(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """The contract table ``interventions``: those done lower the risk a while, others do not."""
    done = spells(world.states, world.births, world.lasts, INTERVENTION)
    done = done.loc[done["onset"] >= DATA_START, ["account", "onset"]].assign(status="done")
    account, day = dates_of(rng, DECLINED_A_DAY * world.present)
    declined = pd.DataFrame({"account": account, "onset": day, "status": "declined"})
    table = pd.concat([done, declined]).sort_values(["account", "onset"], kind="stable")
    return pd.DataFrame(
        {
            "account_id": world.account_ids(table["account"].to_numpy()),
            "ts": table["onset"].to_numpy(),
            "playbook": rng.choice(PLAYBOOKS, len(table)),
            "status": table["status"].to_numpy(),
        }
    )


def draw_rates(rng: np.random.Generator) -> pd.DataFrame:
    """The contract table ``rates``: US dollars per unit of each currency, monthly."""
    days = [day for k in range(-2, 80) if (day := add_months(0, k)) < DATA_END]
    frames = []
    for currency, first in RATES.items():
        moves = rng.normal(0, 0.012, len(days)) * (currency != "USD")
        rate = np.round(first * np.exp(np.cumsum(moves)), 4)
        frames.append(pd.DataFrame({"currency": currency, "date": days, "rate": rate}))
    return pd.concat(frames, ignore_index=True)
