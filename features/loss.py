"""When accounts were lost, in hindsight: for judging what preceded a loss, never a feature."""

from __future__ import annotations

import pandas as pd

from features.engine import read_frame
from features.source import Source

# Two ends of an account so near to each other are one loss, seen from two as-of dates.
SAME_LOSS_DAYS = 60


def read_losses(source: Source) -> tuple[pd.DataFrame, int]:
    """Every loss that is known by the data's end, by the company's own label.

    By the churn label where there is one, else by contracts that nothing followed.

    Parameters
    ----------
    source : Source
        Its connection holds the rows of the whole grid, as `build_datasets` leaves them.

    Returns
    -------
    losses : DataFrame, (n_losses, 2)
        ``account_id`` and ``lost_on``, in this order.
    wait_days : int
        Days from a loss until it is known.
    """
    churn = source.settings.labels.churn
    if churn is not None:
        span = churn.lead_days + churn.horizon_days
        found = _read(source, "left_on", f"label_known_at - as_of - {span}", "churn_row")
    else:
        ended = "known.end_date"
        table = "renewal_row AS row JOIN known_term AS known USING (contract_id, as_of)"
        found = _read(source, ended, f"label_known_at - {ended}", table, "label = 1 AND")
    wait = int(found["wait"].iloc[0]) if len(found) else 0
    known = found[found["lost_on"] + pd.Timedelta(days=wait) <= pd.Timestamp(source.data_end)]
    gap = known.groupby("account_id")["lost_on"].diff()
    first = gap.isna() | (gap > pd.Timedelta(days=SAME_LOSS_DAYS))
    return known.loc[first, ["account_id", "lost_on"]].reset_index(drop=True), wait


def _read(source: Source, day: str, wait: str, table: str, condition: str = "") -> pd.DataFrame:
    account = "row.account_id" if " AS row" in table else "account_id"
    return read_frame(
        source.connection,
        f"""SELECT DISTINCT {account} AS account_id, CAST({day} AS TIMESTAMP) AS lost_on,
                   CAST({wait} AS INTEGER) AS wait
            FROM {table} WHERE {condition} {day} IS NOT NULL ORDER BY ALL""",
    )
