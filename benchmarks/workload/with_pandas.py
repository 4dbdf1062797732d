"""Activity features as a user would write them otherwise: pandas, one as-of date after another."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.workload.company import monthly_dates

WINDOWS = (7, 28, 91)


def build_with_pandas(file: Path, dates: int) -> int:
    """Events, users, days and hours over three windows, with trends; the number of columns."""
    events = pd.read_parquet(file, columns=["account_id", "user_id", "ts", "duration_s"])
    events["account_id"] = events["account_id"].astype("category")
    events["user_id"] = events["user_id"].astype("category")
    events["day"] = events["ts"].dt.floor("D")
    frames = []
    for as_of in map(pd.Timestamp, monthly_dates(dates)):
        known = events[events["day"] < as_of]
        columns: dict[str, pd.Series] = {}
        for days in WINDOWS:
            for name, back in (("", 0), ("_before", days)):
                end = as_of - pd.Timedelta(days=back)
                window = known[
                    (known["day"] < end) & (known["day"] >= end - pd.Timedelta(days=days))
                ]
                by_account = window.groupby("account_id", observed=False)
                columns[f"events_{days}{name}"] = by_account.size()
                columns[f"users_{days}{name}"] = by_account["user_id"].nunique()
                columns[f"days_{days}{name}"] = by_account["day"].nunique()
                columns[f"hours_{days}{name}"] = by_account["duration_s"].sum() / 3600
        columns["days_since_use"] = (
            as_of - known.groupby("account_id", observed=False)["day"].max()
        ).dt.days
        frame = pd.DataFrame(columns)
        for days in WINDOWS:
            for name in ("events", "users", "hours"):
                frame[f"{name}_change_{days}"] = (
                    frame[f"{name}_{days}"] / frame[f"{name}_{days}_before"] - 1
                )
        frames.append(frame.assign(as_of=as_of))
    return pd.concat(frames).shape[1] - 1
