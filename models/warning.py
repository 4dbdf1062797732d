"""Early warnings of accounts on their as-of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.dataset import Dataset, ModelName
from features.wording import fill_in, format_value
from models.condition import all_hold
from models.ranking import IntArray
from models.table import BoolArray
from models.warning_rule import Condition


@dataclass(frozen=True, eq=False)
class WatchedRows:
    """The rows that warnings are looked for in: one for each account and as-of date.

    Parameters
    ----------
    account : Series of str, (n,)
    as_of : Series of datetime, (n,)
    features : DataFrame, (n, n_features)
    """

    account: pd.Series
    as_of: pd.Series
    features: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds for an account.

    Parameters
    ----------
    condition : Condition
    value : float
        Of the feature that is the evidence.
    text : str
        The evidence in plain words.
    """

    condition: Condition
    value: float
    text: str


def watched_rows(datasets: Mapping[ModelName, Dataset]) -> WatchedRows:
    """The same rows that are scored: those of the churn model, and of the renewal model the others.

    An account with several contracts to decide, and no row of its own, is told by the one that is
    decided next.
    """
    columns = ["account_id", "as_of"]
    parts = []
    for name in ("churn", "renewal"):
        if (dataset := datasets.get(name)) is None:
            continue
        rows = dataset.rows
        if name == "renewal":
            # A stable sort, so that equal days stay in the order of the contracts.
            rows = rows.sort_values("days_to_renewal", kind="stable", na_position="last")
        parts.append((rows[columns], dataset.features.loc[rows.index]))
    keys = pd.concat([rows for rows, _ in parts], ignore_index=True)
    features = pd.concat([found for _, found in parts], ignore_index=True)
    first = ~keys.duplicated()
    keys = keys[first].reset_index(drop=True)
    return WatchedRows(
        keys["account_id"].astype(object), keys["as_of"], features[first].reset_index(drop=True)
    )


def standing(condition: Condition, features: pd.DataFrame) -> BoolArray:
    """Where a condition holds, (n,)."""
    return all_hold(condition.bounds, features)


def find_warnings(
    conditions: Iterable[Condition], rows: WatchedRows, *, currency: str
) -> dict[str, list[Finding]]:
    """What stands against each account, by account id; only those with anything.

    Parameters
    ----------
    conditions : iterable of Condition
    rows : WatchedRows
        Of one as-of date.
    currency : str
        Reporting currency, for the wording.
    """
    accounts = rows.account.to_numpy()
    found: dict[str, list[Finding]] = {}
    for condition in conditions:
        places = np.flatnonzero(standing(condition, rows.features))
        for account, finding in zip(
            accounts[places], _findings(condition, rows.features, places, currency), strict=True
        ):
            found.setdefault(str(account), []).append(finding)
    return found


def _findings(
    condition: Condition, features: pd.DataFrame, places: IntArray, currency: str
) -> Iterator[Finding]:
    column = features[condition.told].to_numpy(dtype=np.float64, na_value=np.nan)
    texts: dict[float, str] = {}  # many accounts have the same value
    for value in column[places].tolist():
        if value not in texts:
            texts[value] = word(condition, value, currency=currency)
        yield Finding(condition, value, texts[value])


def word(condition: Condition, value: float, *, currency: str) -> str:
    """The evidence in plain English."""
    told = format_value(value, condition.unit, currency=currency)
    return fill_in(condition.rule.text["en"], told).replace("{subject}", condition.subject or "")
