"""What became of the accounts and contracts that were observed on past as-of dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pandas as pd

from features.aside import open_aside
from features.dataset import build_rows, worked_on
from features.engine import read_frame
from features.source import Source


def read_outcomes(source: Source, dates: Sequence[date]) -> pd.DataFrame:
    """The outcomes of every row of these as-of dates that are known by the data's end.

    Parameters
    ----------
    source : Source
        Its connection stays as it is.
    dates : sequence of date
        As-of dates.

    Returns
    -------
    DataFrame, (n, 6)
        ``basis`` (``renewal`` or ``churn``), ``as_of``, ``key`` (contract or account id), ``lost``
        (by the rules of the labels), ``known_on`` (the label's day of maturity), ``worked_on``
        (whether an intervention was done in the label's span; False without the table). Accounts
        that left too early for the churn label have no row: nothing was said of them.
    """
    labels = source.settings.labels
    with open_aside(source) as aside:
        build_rows(aside, list(dates))
        queries = []
        if labels.churn is not None:
            queries.append(_query(aside, "churn", "account_id", "NOT row.too_late"))
        if labels.renewal is not None and source.has("contracts"):
            queries.append(_query(aside, "renewal", "contract_id", "TRUE"))
        return read_frame(aside.connection, " UNION ALL ".join(queries))


def _query(source: Source, basis: str, key: str, told: str) -> str:
    # Spelt out per basis: an intervention counts in the span of which its probability spoke.
    acted = worked_on(source, "renewal" if basis == "renewal" else "churn") or "FALSE"
    return f"""SELECT '{basis}' AS basis, row.as_of, row.{key} AS key, row.label = 1 AS lost,
               row.label_known_at AS known_on, {acted} AS worked_on
        FROM {basis}_row AS row
        WHERE row.label_known_at <= DATE '{source.data_end}' AND {told}"""
