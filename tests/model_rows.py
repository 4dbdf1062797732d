"""As-of rows of a made-up company, for tests of the models."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.settings import ModelSettings, TrainingSettings
from models.table import ModelTable

DATA_END = date(2026, 1, 1)
HORIZON = 90
GRACE = 30
QUICK = ModelSettings(training=TrainingSettings(max_trees=60, replicates=200))


def make_table(
    *, accounts: int = 200, months: int = 24, signal: float = 1.2, seed: int = 0
) -> ModelTable:
    """Churn rows on a monthly grid, the last ones not mature.

    ``usage`` drives the label by ``signal``, ``noise`` does not, ``segment`` does a little,
    ``nothing`` is constant. The first 20 accounts share ten parents.
    """
    generator = np.random.default_rng(seed)
    account = np.repeat(np.arange(accounts), months)
    month = np.tile(np.arange(months), accounts)
    as_of = pd.date_range("2024-01-01", periods=months, freq="MS")[month]
    usage = generator.normal(size=accounts)[account] + 0.5 * generator.normal(size=len(account))
    segment = np.array(["small", "middle", "large"])[generator.integers(0, 3, accounts)][account]
    log_odds = -1.8 - signal * usage + 0.4 * signal * (segment == "small")
    label = (generator.random(len(account)) < 1 / (1 + np.exp(-log_odds))).astype(np.float64)
    known_at = pd.Series(as_of + pd.Timedelta(days=HORIZON + GRACE))
    mature = (known_at <= pd.Timestamp(DATA_END)).to_numpy()
    rows = pd.DataFrame(
        {
            "account_id": [f"A{number}" for number in account],
            "group_id": [f"P{number // 2}" if number < 20 else f"A{number}" for number in account],
            "contract_id": None,
            "as_of": as_of,
            "label_known_at": known_at.where(mature),
            "label": np.where(mature, label, np.nan),
            "arr": generator.gamma(2.0, 5000.0, len(account)),
            "headline": True,
            "tenure_days": 30.0 * month + generator.integers(0, 900, accounts)[account],
            "days_to_renewal": generator.integers(0, 365, len(account)).astype(np.float64),
            "events_change_28d": generator.normal(0.0, 0.2, len(account)),
            "segment": segment,
        }
    )
    features = pd.DataFrame(
        {
            "usage": np.where(generator.random(len(account)) < 0.1, np.nan, usage),
            "noise": generator.normal(size=len(account)),
            "segment": pd.Series(segment, dtype=object).where(
                generator.random(len(account)) > 0.05, None
            ),
            "nothing": 1.0,
        }
    )
    return ModelTable("churn", rows, features, DATA_END, HORIZON, 0)


def with_rows(
    table: ModelTable,
    **columns: pd.Series | npt.NDArray[np.float64] | npt.NDArray[np.bool_] | float,
) -> ModelTable:
    """The table with some columns of ``rows`` replaced."""
    rows = table.rows.copy()
    for name, values in columns.items():
        rows[name] = values
    return replace(table, rows=rows)


def shuffle_labels(table: ModelTable, *, seed: int = 0) -> ModelTable:
    """The table with its mature labels shuffled within each as-of date."""
    generator = np.random.default_rng(seed)
    label = table.label.copy()
    for places in table.rows.groupby("as_of").indices.values():
        mature = places[~np.isnan(label[places])]
        label[mature] = generator.permutation(label[mature])
    return with_rows(table, label=label)
