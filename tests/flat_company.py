"""Made-up flat tables of accounts, for tests."""

from __future__ import annotations

import numpy as np
import pandas as pd


def make_accounts(*, accounts: int = 400, signal: float = 1.5, seed: int = 0) -> pd.DataFrame:
    """A row per account: ``seats used`` drives the label, ``plan`` does a little, ``noise`` not."""
    generator = np.random.default_rng(seed)
    used = generator.normal(size=accounts)
    plan = np.array(["basic", "team", "pro"])[generator.integers(0, 3, accounts)]
    log_odds = -0.5 - signal * used + 0.5 * signal * (plan == "basic")
    label = (generator.random(accounts) < 1 / (1 + np.exp(-log_odds))).astype(int)
    return pd.DataFrame(
        {
            "account_id": [f"A{number:04d}" for number in range(accounts)],
            "churned": label,
            "seats used": used.round(4),
            "plan": plan,
            "noise": generator.normal(size=accounts).round(4),
            "sso": generator.random(accounts) < 0.5,
            "arr": generator.gamma(2.0, 5000.0, accounts).round(),
        }
    )


def make_months(*, accounts: int = 120, months: int = 10, seed: int = 0) -> pd.DataFrame:
    """The same on the first of each month, with labels that change from month to month."""
    months_of_rows = []
    for month in range(months):
        rows = make_accounts(accounts=accounts, seed=seed + month)
        rows.insert(1, "as_of", pd.Timestamp(2025, 1 + month, 1).date())
        months_of_rows.append(rows)
    return pd.concat(months_of_rows, ignore_index=True)
