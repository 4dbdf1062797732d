"""Written tables and what is seen of the company that they make up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from features.dataset import ModelName
from features.state import read_states
from tests.property.answer import plain
from tests.written_company import Row, Tables, datasets_of


def read_table(text: str, *, account: bool = True) -> list[Row]:
    """The rows of a table with ``|`` between its columns; an empty cell is missing.

    Without a column ``account_id`` all rows are of account A; without ``contract_id`` in a table
    that starts terms they are numbered c1, c2, ...
    """
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    names = lines[0]
    rows: list[Row] = []
    for number, cells in enumerate(lines[1:], start=1):
        row: dict[str, str | None] = {"account_id": "A"} if account else {}
        if "start_date" in names:
            row["contract_id"] = f"c{number}"
        row |= {name: cell or None for name, cell in zip(names, cells, strict=True)}
        rows.append(row)
    return rows


@dataclass(frozen=True)
class Seen:
    """What is said of a company: frames with one row per row of a cohort, by as-of date."""

    churn: pd.DataFrame
    renewal: pd.DataFrame
    states: pd.DataFrame

    def only(self, model: str, name: str) -> Any:  # Any: a cell of pandas
        """The value in the only row of a cohort."""
        frame: pd.DataFrame = getattr(self, model)
        assert len(frame) == 1, frame
        return plain(frame[name].iloc[0])


def see(
    tables: Tables,
    dates: Sequence[date],
    spill: Path,
    data_end: date,
    settings: dict[str, Any],  # Any: sections
) -> Seen:
    """Rows, labels and features on these dates, and the states on the last of them."""
    source, datasets = datasets_of(tables, dates, spill=spill, data_end=data_end, **settings)
    frames = {}
    models: tuple[ModelName, ...] = ("churn", "renewal")
    for model in models:
        dataset = datasets.get(model)
        frames[model] = (
            pd.DataFrame()
            if dataset is None
            else pd.concat([dataset.rows.drop(columns="arr"), dataset.features], axis=1)
        )
        frames[model] = frames[model].loc[:, ~frames[model].columns.duplicated()]
    if "churn" in datasets:
        extra = source.connection.sql("SELECT * EXCLUDE label FROM churn_row").df()
        keys = ["account_id", "as_of"]
        extra["as_of"] = extra["as_of"].astype("datetime64[s]")
        frames["churn"] = frames["churn"].merge(extra[[*keys, "too_late", "left_on"]], on=keys)
    with_states = dates and "contracts" in tables
    states = read_states(source, dates[-1]) if with_states else pd.DataFrame()
    return Seen(frames["churn"], frames["renewal"], states)
