"""The true risk of each account and contract at each date, which no model can beat.

A risk is the chance of a loss given everything that holds on its date (which causes are active,
whether a price rise is announced, whether the customer has already decided) and nothing of what
begins later: the chances that causes begin or end until the decision are worked out exactly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.demo.cause import (
    CAUSES,
    ONBOARDING,
    PRICE_RISE_WEIGHT,
    STATE_COUNT,
    WEIGHT_OF_STATE,
    Floats,
    StateArray,
    spells,
)
from pipelines.demo.decision import END_EARLY, EVERGREEN_NOTICE, UPGRADE
from pipelines.demo.period import DATA_END, add_months, month_starts
from pipelines.demo.world import World

HORIZON = 90  # days of the churn label
MAX_LEAD = 180  # days of the renewal label, before the decision
_CHUNK = 4096


def loss_chance(states: StateArray, steps: Floats, base: Floats, rise: Floats) -> Floats:
    """Chance that at least one of the coming decisions is a loss.

    Parameters
    ----------
    states : uint8, (n,)
        State on the date that the chance is given on.
    steps : float, (n, k)
        Days from the date, or from the decision before, to each decision; NaN: no such decision.
    base : float, (n,)
        Log-odds of a loss at a decision with no cause active.
    rise : float, (n, k)
        Chance, 0-1, that the decision comes with a price rise; 0 or 1 when that is known.

    Returns
    -------
    float, (n,)
        0 where there is no decision.
    """
    lost = np.zeros(len(states))
    for first in range(0, len(states), _CHUNK):
        part = slice(first, first + _CHUNK)
        lost[part] = _loss_chance(states[part], steps[part], base[part], rise[part])
    return lost


def _loss_chance(states: StateArray, steps: Floats, base: Floats, rise: Floats) -> Floats:
    """The share of each row that has left, followed through every combination of causes."""
    staying = np.zeros((len(states), STATE_COUNT), dtype=np.float32)
    staying[np.arange(len(states)), states] = 1
    for decision in range(steps.shape[1]):
        falls = ~np.isnan(steps[:, decision])
        if not falls.any():
            break
        later = _after(staying[falls], steps[falls, decision])
        odds = base[falls, None] + WEIGHT_OF_STATE
        share = rise[falls, decision, None]
        leaving = (1 - share) * _sigmoid(odds) + share * _sigmoid(odds + PRICE_RISE_WEIGHT)
        staying[falls] = later * (1 - leaving)
    left: Floats = np.clip(1 - staying.sum(axis=1, dtype=np.float64), 0, 1)
    return left


def _after(shares: npt.NDArray[np.float32], days: Floats) -> npt.NDArray[np.float32]:
    """Shares, (n, STATE_COUNT), after `days`, moved along each cause's own two-state chain."""
    for bit, cause in enumerate(CAUSES):
        settled = cause.begins / (cause.begins + cause.ends)
        moved = 1 - (1 - cause.begins - cause.ends) ** days
        begins = (settled * moved).astype(np.float32)[:, None, None]
        ends = ((1 - settled) * moved).astype(np.float32)[:, None, None]
        split = shares.reshape(len(shares), -1, 2, 1 << bit)
        off, on = split[:, :, 0], split[:, :, 1]
        change = off * begins - on * ends
        shares = np.stack([off - change, on + change], axis=2).reshape(len(shares), -1)
    return shares


def _sigmoid(odds: Floats) -> npt.NDArray[np.float32]:
    return (1 / (1 + np.exp(-odds))).astype(np.float32)


def _on_dates(terms: pd.DataFrame, until: pd.Series[float]) -> pd.DataFrame:
    """Each term on each first of a month from its start to the day before `until`."""
    dates = pd.DataFrame({"as_of": month_starts()})
    pairs = terms.assign(until=until).merge(dates, how="cross")
    return pairs[pairs["as_of"].between(pairs["start_date"], pairs["until"], inclusive="left")]


def _stops_before(days: Floats) -> tuple[Floats, Floats]:
    """Chances that a long term is broken off, and that it is not interrupted, within `days`."""
    rate = END_EARLY + UPGRADE
    lasts = (1 - rate) ** np.maximum(days, 0)
    return END_EARLY / rate * (1 - lasts), lasts


def _rise_known(rows: pd.DataFrame) -> Floats:
    known = rows["announced_at"] <= rows["as_of"]
    return np.where(known, rows["rise"], rows["rise_chance"]).astype(float)


def renewal_risk(world: World) -> pd.DataFrame:
    """Chance that a contract with an agreed end is lost, while that is still open.

    Returns
    -------
    pandas.DataFrame
        Columns account, contract_id, as_of (day number), kind and risk (0-1): at each first of
        a month from `MAX_LEAD` days before the decision, or the term's start, to the decision.
    """
    terms = world.terms
    terms = terms[terms["end_date"].notna() & (terms["end_date"] > terms["start_date"])]
    # The day of the decision counts, and that of an early end, though the term ends on it.
    rows = _on_dates(terms, terms["terminated_at"].fillna(DATA_END) + 1)
    lead = rows["decided_at"] - rows["as_of"]
    rows = rows[lead.between(0, MAX_LEAD)].reset_index(drop=True)
    days = (rows["decided_at"] - rows["as_of"]).to_numpy(dtype=float)
    decided = loss_chance(
        world.states[rows["account"], rows["as_of"]],
        days[:, None],
        rows["base"].to_numpy(),
        _rise_known(rows)[:, None],
    )
    broken, lasts = _stops_before(days - 1)
    risk = np.where(rows["interruptible"], broken + lasts * decided, decided)
    stopped = rows["terminated_at"] == rows["as_of"]
    return rows[["account", "contract_id", "as_of"]].assign(
        kind="renewal", risk=np.where(stopped, rows["lost_on"].notna(), risk)
    )


def churn_risk(world: World) -> pd.DataFrame:
    """Chance that a running account's churn date falls within `HORIZON` days after the date.

    Returns
    -------
    pandas.DataFrame
        As from `renewal_risk`, one row per account with a running contract and date;
        contract_id is null.
    """
    main = world.terms[world.terms["main"]]
    rows = _on_dates(main, main["actual_end"])
    rows = rows.sort_values(["account", "as_of", "start_date"])
    latest = rows.groupby(["account", "as_of"]).tail(1).reset_index(drop=True)
    as_of = latest["as_of"].to_numpy(dtype=float)
    steps = _decisions(latest)
    rise = np.repeat(latest["rise_chance"].to_numpy(dtype=float)[:, None], steps.shape[1], axis=1)
    rise[:, 0] = _rise_known(latest)
    state = world.states[latest["account"], latest["as_of"]]
    open_risk = loss_chance(state, steps, latest["base"].to_numpy(), rise)
    broken, lasts = _stops_before(np.minimum(latest["decided_at"] - 1 - as_of, HORIZON))
    risk = np.where(latest["interruptible"], broken + lasts * open_risk, open_risk)
    gone = latest["lost_on"].to_numpy(dtype=float)
    known = (latest["decided_at"] < as_of) & latest["decided_at"].notna()
    leaves = (gone > as_of) & (gone <= as_of + HORIZON)
    return latest[["account", "as_of"]].assign(
        contract_id=None, kind="churn", risk=np.where(known, leaves, risk)
    )


def _decisions(rows: pd.DataFrame) -> Floats:
    """Days to each coming decision that could end the account within `HORIZON`, (n, 3)."""
    steps = np.full((len(rows), 3), np.nan)
    fields = rows[["kind", "as_of", "start_date", "end_date", "decided_at"]]
    for place, (kind, as_of, start, end, decided) in enumerate(fields.itertuples(index=False)):
        if kind == "evergreen":
            ends = _anniversaries(start, as_of, HORIZON - EVERGREEN_NOTICE)
        elif kind == "monthly":
            ends = [add_months(int(end), k) for k in range(3)]
            ends = [day for day in ends if day <= as_of + HORIZON]
        else:
            ends = [decided] if decided >= as_of and end <= as_of + HORIZON else []
        steps[place, : len(ends)] = np.diff([as_of, *ends])
    return steps


def _anniversaries(start: int, as_of: int, within: int) -> list[int]:
    """Days, at most `within` after `as_of`, on which an evergreen contract may be given up."""
    months = max(1, (as_of - start) // 31)
    days = [add_months(start, months + k) for k in range(6)]
    return [day for day in days if as_of <= day <= as_of + within]


def risk_table(world: World) -> pd.DataFrame:
    """``truth/risk``: account_id, contract_id (null for churn), as_of, kind and risk (0-1)."""
    table = pd.concat([churn_risk(world), renewal_risk(world)], ignore_index=True)
    table.insert(0, "account_id", world.account_ids(table["account"].to_numpy()))
    return table.drop(columns="account").sort_values(
        ["kind", "as_of", "account_id", "contract_id"], ignore_index=True
    )


def cause_table(world: World) -> pd.DataFrame:
    """``truth/cause``: account_id, cause, onset and ended (null while it lasts).

    A price rise is named from the day it is announced to the decision that it bears on.
    """
    births, terms = world.births, world.terms
    frames = []
    for bit, cause in enumerate(CAUSES):
        if cause.weight > 0:
            frames.append(spells(world.states, births, world.lasts, bit).assign(cause=cause.name))
    late = frames[ONBOARDING]
    late["onset"] += 30  # the first onboarding step is due then
    frames[ONBOARDING] = late[~(late["ended"] <= late["onset"])]
    unfit = np.flatnonzero(world.accounts["low_fit"])
    frames.append(pd.DataFrame({"account": unfit, "onset": births[unfit], "cause": "low_fit"}))
    rises = terms[terms["main"] & terms["rise"] & (terms["announced_at"] < terms["actual_end"])]
    rises = rises.rename(columns={"announced_at": "onset", "decided_at": "ended"})
    frames.append(rises[["account", "onset", "ended"]].assign(cause="price_rise"))
    table = pd.concat(frames, ignore_index=True)
    table = table[table["onset"] < DATA_END]
    table["ended"] = table["ended"].where(table["ended"] < DATA_END)
    table.insert(0, "account_id", world.account_ids(table["account"].to_numpy()))
    table = table.sort_values(["account_id", "onset", "cause"], ignore_index=True)
    return table[["account_id", "cause", "onset", "ended"]]


def loss_table(world: World) -> pd.DataFrame:
    """``truth/loss``: account_id, contract_id, decided_at, lost_on and the strongest cause."""
    lost = world.terms[world.terms["main"] & world.terms["lost_on"].notna()]
    lost = lost.rename(columns={"decision_cause": "cause"})
    broken = lost["terminated_at"] < lost["decided_at"]
    lost["decided_at"] = lost["decided_at"].where(~broken, lost["terminated_at"])
    return lost[["account_id", "contract_id", "decided_at", "lost_on", "cause"]]
