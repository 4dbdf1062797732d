"""The demo's measures: numbers that are no events."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.activity import Activity
from pipelines.demo.period import DATA_START
from pipelines.demo.world import World


def draw_measures(rng: np.random.Generator, world: World, activity: Activity) -> pd.DataFrame:
    """The contract table ``measures``: each Sunday, stored gigabytes and the week's orders."""
    count = len(world.accounts)
    weeks = activity.level.shape[1] // 7
    level = activity.level[:, : weeks * 7].reshape(count, weeks, 7).mean(axis=2)
    noise = rng.lognormal(0, 0.2, level.shape)
    size = world.accounts["seats"].to_numpy()[:, None] * rng.lognormal(0, 0.5, (count, 1))
    orders = np.round(size * level * noise * 40)
    growth = np.cumsum(level, axis=1) / (1 + np.arange(weeks) / 40)
    stored = np.round(size * (0.5 + 0.05 * growth) * rng.lognormal(0, 0.03, level.shape), 1)
    account, week = np.nonzero(level > 0)
    frames = [
        pd.DataFrame(
            {
                "account_id": world.account_ids(account),
                "ts": DATA_START + week * 7 + 6,
                "name": name,
                "value": values[account, week],
            }
        )
        for name, values in (("storage_gb", stored), ("processed_orders", orders))
    ]
    return pd.concat(frames, ignore_index=True).sort_values(
        ["account_id", "ts", "name"], ignore_index=True
    )
