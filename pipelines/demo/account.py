"""The demo's accounts: what stays with a customer for as long as it is one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.cause import LOW_FIT
from pipelines.demo.name import company_names, external_ids
from pipelines.demo.period import DATA_END, DATA_START, early_in_month

INDUSTRIES = ("software", "retail", "manufacturing", "finance", "health", "media", "education")
COUNTRIES = {
    "US": ("americas", "USD"),
    "CA": ("americas", "USD"),
    "BR": ("americas", "USD"),
    "GB": ("emea", "GBP"),
    "DE": ("emea", "EUR"),
    "FR": ("emea", "EUR"),
    "PL": ("emea", "EUR"),
    "JP": ("apac", "USD"),
    "AU": ("apac", "USD"),
}
COUNTRY_SHARE = (0.38, 0.07, 0.05, 0.14, 0.12, 0.08, 0.04, 0.06, 0.06)
OWNERS = (
    "csm-amara",
    "csm-bruno",
    "csm-celeste",
    "csm-dmitri",
    "csm-eunji",
    "csm-farid",
    "csm-gwen",
)
CHANNELS = ("direct", "partner", "self_serve", "event")
KINDS = ("monthly", "annual", "multi", "evergreen")
SEGMENTS = {  # share, share of each kind of term, employees at the median
    "smb": (0.50, (0.70, 0.28, 0.00, 0.02), 40),
    "mid": (0.35, (0.34, 0.52, 0.10, 0.04), 300),
    "enterprise": (0.15, (0.06, 0.60, 0.29, 0.05), 2500),
}


def draw_accounts(rng: np.random.Generator, count: int) -> pd.DataFrame:
    """Accounts with what the generator knows of them, one row each.

    Returns
    -------
    pandas.DataFrame
        (count, ...): account_id, kind of term, birth (day of the first contract), seats bought
        first, discount, true product fit (share 0-1), low_fit, and the columns of the table.
    """
    segment = rng.choice(list(SEGMENTS), size=count, p=[s[0] for s in SEGMENTS.values()])
    kind = np.array([rng.choice(KINDS, p=SEGMENTS[name][1]) for name in segment])
    typical = np.array([SEGMENTS[name][2] for name in segment])
    employees = np.maximum(3, typical * rng.lognormal(0, 0.7, count)).astype(int)
    country = rng.choice(list(COUNTRIES), size=count, p=COUNTRY_SHARE)
    fit = np.where(
        rng.random(count) < 0.13, rng.uniform(0.08, LOW_FIT, count), rng.beta(6, 3, count)
    )
    return pd.DataFrame(
        {
            "account_id": [f"A{number:05d}" for number in range(1, count + 1)],
            "kind": kind,
            "birth": _births(rng, kind),
            "seats": np.clip(2.2 * employees**0.5 * rng.lognormal(0, 0.45, count), 4, 220).astype(
                int
            ),
            "discount": np.where(
                rng.random(count) < 0.35, rng.choice([0.2, 0.25, 0.3], count), 0.0
            ),
            "fit": fit,
            "low_fit": fit < LOW_FIT,
            "segment": segment,
            "employees": employees,
            "country": country,
            "region": [COUNTRIES[name][0] for name in country],
            "currency": [COUNTRIES[name][1] for name in country],
        }
    )


def _births(rng: np.random.Generator, kind: np.ndarray[tuple[int], np.dtype[np.str_]]) -> list[int]:
    """Day of each first contract: some before the first day with usage, most after it."""
    before = rng.random(len(kind)) < np.where(kind == "monthly", 0.30, 0.70)
    earliest = np.where(kind == "monthly", DATA_START - 500, 0)
    old = rng.uniform(earliest, DATA_START)
    new = rng.uniform(DATA_START, DATA_END - 20, len(kind))
    return [early_in_month(int(day)) for day in np.where(before, old, new)]


def account_table(rng: np.random.Generator, accounts: pd.DataFrame) -> pd.DataFrame:
    """The contract table ``accounts``; a changed row repeats with a later known_at."""
    count = len(accounts)
    created = accounts["birth"] - rng.integers(5, 60, count)
    table = accounts[["account_id", "segment", "employees", "country", "region"]].assign(
        known_at=created,
        name=company_names(rng, count),
        parent_id=_parents(rng, accounts["account_id"].to_numpy(dtype=object)),
        industry=rng.choice(INDUSTRIES, count),
        account_tier=np.where(
            accounts["seats"] > accounts["seats"].quantile(0.8), "key", "standard"
        ),
        owner=rng.choice(OWNERS, count),
        channel=rng.choice(CHANNELS, count, p=[0.4, 0.2, 0.3, 0.1]),
        external_id=external_ids("001", np.arange(count) * 37 + 1041),
        created_at=created,
        product_fit=_seen_fit(rng, accounts["fit"].to_numpy()),
        cost_to_acquire=np.round(accounts["seats"] * rng.lognormal(5.2, 0.5, count), -1),
    )
    table["planned_fit"] = np.minimum(1, table["product_fit"] + rng.choice([0, 0.05, 0.15], count))
    table["planned_fit"] = table["planned_fit"].round(2)
    changed = pd.concat([table, *_changes(rng, table)], ignore_index=True)
    return changed.sort_values(["account_id", "known_at"], kind="stable", ignore_index=True)


def _seen_fit(
    rng: np.random.Generator, fit: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> pd.Series:
    """Product fit as somebody assessed it: a little off, and missing for one account in eight."""
    seen = np.clip(fit + rng.normal(0, 0.05, len(fit)), 0.02, 1).round(2)
    seen[rng.random(len(fit)) < 0.125] = np.nan
    return pd.Series(seen)


def _parents(
    rng: np.random.Generator, ids: np.ndarray[tuple[int], np.dtype[np.object_]]
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Parent of each account: groups of two to four under one of their own, most have none."""
    parents = np.full(len(ids), None, dtype=object)
    order = rng.permutation(len(ids))
    place = 0
    for _ in range(len(ids) // 40):
        size = int(rng.integers(2, 5))
        head, *rest = order[place : place + size]
        parents[rest] = ids[head]
        place += size
    return parents


def _changes(rng: np.random.Generator, table: pd.DataFrame) -> list[pd.DataFrame]:
    """Later rows: one account in six gets another owner, one in twenty grows into a key account."""
    later = table.assign(known_at=table["known_at"] + rng.integers(90, 700, len(table)))
    handed = later[rng.random(len(table)) < 0.16].copy()
    handed["owner"] = rng.choice(OWNERS, len(handed))
    grown = later[(rng.random(len(table)) < 0.05) & ~later.index.isin(handed.index)].copy()
    grown["account_tier"] = "key"
    return [rows[rows["known_at"] < DATA_END] for rows in (handed, grown)]
