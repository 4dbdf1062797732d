"""What the demo's accounts and their vendor say to each other: tickets, surveys, touchpoints."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.cause import (
    CAUSES,
    ESCALATION,
    SILENCE,
    is_active,
    spells,
)
from pipelines.demo.period import DATA_END, DATA_START, Days
from pipelines.demo.user import People, user_ids
from pipelines.demo.world import World

TICKETS_A_DAY = 0.0016  # a seat, at most 0.12
TOUCHES_A_DAY = {"smb": 1 / 45, "mid": 1 / 28, "enterprise": 1 / 18}
CALLS_A_DAY = 1 / 110  # by the customer, whatever the vendor does
IN_SILENCE = 0.06  # share of the vendor's touchpoints that still happen while it is silent
# kind: chance a day, answer of a content account, step per cause, spread, lowest, highest
SURVEYS = {
    "nps": (1 / 170, 8.3, 1.4, 2.0, 0, 10),
    "csat": (1 / 190, 4.3, 0.5, 0.8, 1, 5),
    "ces": (1 / 300, 5.6, 0.6, 1.1, 1, 7),
    "csm_sentiment": (1 / 100, 4.2, 0.6, 0.9, 1, 5),
}


def dates_of(rng: np.random.Generator, chance: npt.NDArray[np.floating]) -> tuple[Days, Days]:
    """Row of the account and day of each thing that happens with `chance`, (n_accounts, WINDOW)."""
    account, day = np.nonzero(rng.random(chance.shape, dtype=np.float32) < chance)
    return account, day + DATA_START


def draw_touchpoints(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """The contract table ``touchpoints``; a silent vendor hardly appears in it."""
    usual = world.accounts["segment"].map(TOUCHES_A_DAY).to_numpy()[:, None]
    silent = is_active(world.window, SILENCE)
    frames = []
    for initiator, chance in (
        ("vendor", usual * np.where(silent, IN_SILENCE, 1)),
        ("customer", np.full(world.present.shape, CALLS_A_DAY)),
    ):
        account, day = dates_of(rng, chance * world.present)
        kinds = ("qbr", "training", "call", "email")
        share = (0.1, 0.1, 0.35, 0.45) if initiator == "vendor" else (0, 0.1, 0.5, 0.4)
        frames.append(
            pd.DataFrame(
                {
                    "account_id": world.account_ids(account),
                    "ts": day,
                    "kind": rng.choice(kinds, len(day), p=share),
                    "initiated_by": initiator,
                    "outcome": rng.choice(
                        ("held", "no_answer", "follow_up"), len(day), p=(0.7, 0.15, 0.15)
                    ),
                }
            )
        )
    table = pd.concat(frames, ignore_index=True)
    return table.sort_values(["account_id", "ts"], kind="stable", ignore_index=True)


def draw_tickets(rng: np.random.Generator, world: World) -> pd.DataFrame:
    """The contract table ``tickets``: most are closed within days, some escalated stay open."""
    usual = np.minimum(world.accounts["seats"].to_numpy() * TICKETS_A_DAY, 0.12)[:, None]
    account, day = dates_of(rng, usual * world.present)
    escalated = rng.random(len(day)) < 0.07
    days = rng.lognormal(np.where(escalated, 1.9, 0.8), 0.9)
    daily = _tickets(rng, account, day, (day + np.ceil(days)).astype(float), escalated=escalated)
    open_long = spells(world.states, world.births, world.lasts, ESCALATION)
    open_long = open_long[open_long["onset"] >= DATA_START]
    hard = open_long.loc[open_long.index.repeat(rng.integers(1, 3, len(open_long)))]
    flagged = rng.random(len(hard)) < 0.9  # the rest stays open without being escalated
    long = _tickets(rng, *(hard[c].to_numpy() for c in hard), escalated=flagged)
    table = pd.concat([daily, long]).sort_values(["account", "opened_at"], kind="stable")
    table.loc[table["resolved_at"] >= DATA_END, ["resolved_at", "csat"]] = np.nan
    table.insert(0, "ticket_id", [f"T{number:07d}" for number in range(1, len(table) + 1)])
    table.insert(1, "account_id", world.account_ids(table["account"].to_numpy()))
    return table.drop(columns="account").reset_index(drop=True)


def _tickets(
    rng: np.random.Generator,
    account: Days,
    opened: Days,
    resolved: npt.NDArray[np.floating],
    *,
    escalated: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    count = len(account)
    slow = np.nan_to_num(resolved - opened, nan=100) > 10
    csat = np.clip(np.round(rng.normal(np.where(slow, 2.8, 4.1), 0.9)), 1, 5)
    csat[(rng.random(count) > 0.4) | np.isnan(resolved)] = np.nan
    severity = rng.choice(("low", "normal", "high", "urgent"), count, p=(0.3, 0.5, 0.15, 0.05))
    return pd.DataFrame(
        {
            "account": account,
            "opened_at": opened,
            "resolved_at": resolved,
            "severity": np.where(escalated & (severity == "low"), "high", severity),
            "escalated": escalated,
            "csat": csat,
        }
    )


def draw_surveys(rng: np.random.Generator, world: World, people: People) -> pd.DataFrame:
    """The contract table ``surveys``; answers are lower while causes are active, and scattered."""
    active = sum(
        is_active(world.states, bit).astype(int) for bit, c in enumerate(CAUSES) if c.weight > 0
    )
    trouble = np.asarray(active) + world.accounts["low_fit"].to_numpy(dtype=int)[:, None]
    frames = []
    for kind, (chance, content, step, spread, low, high) in SURVEYS.items():
        account, day = dates_of(rng, chance * world.present)
        answer = rng.normal(content - step * trouble[account, day], spread)
        frames.append(_answers(kind, account, day, np.clip(np.round(answer), low, high)))
    account, day = dates_of(rng, world.present / 400)
    seen = np.clip(world.accounts["fit"].to_numpy()[account] + rng.normal(0, 0.06, len(day)), 0, 1)
    frames.append(_answers("fit", account, day, np.round(seen, 2)))
    table = pd.concat(frames).sort_values(["account", "ts", "kind"], ignore_index=True)
    person = people.key_user[table["account"], table["ts"] - DATA_START]
    asked = (person >= 0) & ~table["kind"].isin(["csm_sentiment", "fit"]).to_numpy()
    ids = pd.Series(user_ids(np.maximum(person, 0)), dtype=object).where(asked, None)
    table.insert(0, "account_id", world.account_ids(table["account"].to_numpy()))
    table.insert(1, "user_id", ids)
    return table.drop(columns="account")


def _answers(kind: str, account: Days, day: Days, value: npt.NDArray[np.floating]) -> pd.DataFrame:
    return pd.DataFrame({"account": account, "ts": day, "kind": kind, "value": value})
