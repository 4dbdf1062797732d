"""Which accounts of a flat table are ranked, and the table as today's customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.catalogue import Catalogue, Feature
from features.dataset import Dataset, ModelName
from features.expression import Expression
from features.flat import FlatTable
from features.flat_column import SHOWN_ONLY, SHOWN_TOO
from features.flat_file import Kind
from features.phrase import AS_GIVEN, COLUMN_TEXTS, Phrases
from models.table import BoolArray
from pipelines.population import Population

MODEL: ModelName = "churn"
GROUP = "table"


def accounts_to_rank(table: FlatTable) -> tuple[BoolArray, str]:
    """Which rows are ranked, and in words why these: who has left is not at risk.

    Of each account its latest row; of these the ones without a label, or where there are none,
    the ones with label 0.
    """
    rows = table.rows
    last = rows.sort_values("as_of", kind="stable").drop_duplicates("account_id", keep="last")
    latest = rows.index.isin(last.index)
    label = rows["label"].to_numpy()
    unlabelled = latest & np.isnan(label)
    if unlabelled.any():
        return unlabelled, (
            f"{int(unlabelled.sum()):,} accounts whose latest row has no label are ranked; of the "
            f"other {int(latest.sum() - unlabelled.sum()):,} it is known how it ended"
        )
    kept = latest & (label == 0.0)
    if not kept.any():
        return kept, "every account has left"
    return kept, (
        f"no row is without a label, so the {int(kept.sum()):,} accounts whose latest label is 0 "
        "are ranked, as if they could still leave; the model learnt from these very labels, so "
        "their probabilities lean to the low side: give the accounts to rank without a label"
    )


def population(table: FlatTable, chosen: BoolArray) -> Population:
    """The chosen rows as today's customers, without a contract and its dates."""
    rows = table.rows.loc[chosen].reset_index(drop=True)
    features = table.features.loc[chosen].reset_index(drop=True)
    catalogue = Catalogue(tuple(_feature(n, *found) for n, found in table.columns.items()), {})
    none = pd.Series([None] * len(rows), dtype=object)
    shown = {name: rows.get(name, none) for name in (*SHOWN_ONLY, *SHOWN_TOO)}
    parent = rows["group_id"].where(rows["group_id"] != rows["account_id"], None)
    states = pd.DataFrame(
        {
            "account_id": rows["account_id"],
            "state": "no_term",
            "due": False,
            **dict.fromkeys(("contract_id", "decision_date", "renewal_date"), none),
            "arr": rows["arr"],
            **dict.fromkeys(("arr_of_due", "arr_of_notice"), np.nan),
            "parent_id": parent,
            **shown,
        }
    )
    rows = rows.assign(contract_id=None, tenure_days=np.nan)
    # Where nobody knows the day, that of all rows: no reader is told it, see `undated`.
    day = table.data_end or rows["as_of"].max().date()
    dataset = Dataset(MODEL, rows, features, catalogue, day)
    return Population(day, states, {MODEL: dataset})


def _feature(name: str, column: str, kind: Kind) -> Feature:
    """A column as a feature of which nothing but its name is known."""
    unit = "flag" if kind == "flag" else AS_GIVEN
    phrases = Phrases(unit, **COLUMN_TEXTS, text_below_zero="", filled={"{column}": column})
    return Feature(
        name=name,
        group=GROUP,
        unit=unit,
        meaning=phrases.fill(phrases.meaning),
        missing="The cell is empty.",
        text=phrases.fill(phrases.text),
        text_missing=phrases.fill(phrases.text_missing),
        text_below_zero="",
        phrases=phrases,
        playbook="",
        practice="",
        kind="category" if kind == "category" else "number",
        expression=Expression('"{}"'.format(column.replace('"', '""')), frozenset()),
    )
