"""One table of accounts with a label: read, checked whole, and turned into rows and features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import InputError, Problem
from features.flat_column import (
    SHOWN_ONLY,
    SHOWN_TOO,
    FlatOptions,
    Role,
    find_roles,
    looks_like_duration,
    name_features,
)
from features.flat_file import Kind, counts_rows, read_file, read_label, spell_text
from features.flat_rule import check_features, check_finite, check_roles


@dataclass(frozen=True, eq=False)
class FlatTable:
    """The rows of a flat table.

    Parameters
    ----------
    rows : DataFrame, (n, ...)
        ``account_id`` and ``group_id`` str; ``as_of`` datetime64, the same day for all rows where
        the table has no dates, which means nothing without `data_end`; ``label`` 0, 1 or NaN where
        it is not known by then; ``arr`` float, NaN unknown; and the columns that people are shown,
        str or None.
    features : DataFrame, (n, k)
        Same index; numbers with NaN, text as object with None.
    columns : mapping of str to (str, Kind)
        By feature, the column's own name and its kind.
    dated : bool
        Whether rows stand on more than one as-of date.
    data_end : date or None
        What was known by then is in the table; None where nobody knows: the table has no dates,
        and it was not said when it was drawn up.
    notices, warnings : tuple of str
        What was decided about the table, and what may be wrong with it.
    """

    rows: pd.DataFrame
    features: pd.DataFrame
    columns: Mapping[str, tuple[str, Kind]]
    dated: bool
    data_end: date | None
    notices: tuple[str, ...]
    warnings: tuple[str, ...]


def read_flat_table(
    path: Path, options: FlatOptions, *, today: date, drawn_up: date | None = None
) -> FlatTable:
    """A flat table, checked whole.

    Parameters
    ----------
    path : Path
        CSV with a header, or Parquet.
    options : FlatOptions
        What its columns are.
    today : date
    drawn_up : date, optional
        What was known before this day is used; by default the last date, unknown without dates.

    Raises
    ------
    InputError
        With every problem of the columns, or else every problem of the values.
    """
    frame, kinds = read_file(path)
    table = path.name
    roles, problems = find_roles(table, list(kinds), options)
    if problems:
        raise InputError(problems)
    frame[roles["label"]] = read_label(frame[roles["label"]])
    left = {*roles.values(), *SHOWN_ONLY, *options.leave_out} - {roles.get("arr")}
    left |= {*options.leave_out}
    chosen = [name for name in kinds if name not in left and not counts_rows(frame[name])]
    names, problems = name_features(table, chosen)
    problems += [_no_feature(table, name) for name in chosen if kinds[name] == "other"]
    problems += check_roles(table, frame, roles, today=today)
    problems += check_features(table, frame[chosen])
    problems += check_finite(table, frame[[*dict.fromkeys([*chosen, *_money(roles)])]])
    if problems:
        raise InputError(problems)
    notices, warnings = _say_columns(kinds, roles, names, left)
    found = FlatTable(
        rows=_rows(frame, roles, drawn_up or today),
        features=frame[chosen].rename(columns=names),
        columns={names[name]: (name, kinds[name]) for name in chosen},
        dated="date" in roles,
        data_end=drawn_up,
        notices=notices,
        warnings=warnings,
    )
    return _in_time(found, options, drawn_up)


def _money(roles: Mapping[Role, str]) -> list[str]:
    return [roles["arr"]] if "arr" in roles else []


def _no_feature(table: str, name: str) -> Problem:
    remedy = f"--leave-out '{name}', or give its parts as columns"
    return Problem(table, name, "is neither a number nor a text", remedy=remedy)


def _say_columns(
    kinds: Mapping[str, Kind],
    roles: Mapping[Role, str],
    names: Mapping[str, str],
    left: set[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was decided about columns, and which look like the time until the account left."""
    notices = [f"column {role}: {name}" for role, name in roles.items() if role != "label"]
    if "account" not in roles:
        notices.append("there is no account column: each row is an account, numbered by its place")
    if "duration" in roles:
        notices.append(
            f"{roles['duration']} is the time that an account was followed: it ends with the loss, "
            "so it is no feature"
        )
    notices += [
        f"{name} numbers the rows and is no feature"
        for name in kinds
        if name not in names and name not in left
    ]
    notices += [f"column {a!r} is the feature {b}" for a, b in names.items() if a != b]
    warnings = [
        f"{name}: by its name this may be the time until the account left or the data ended, which "
        f"holds the outcome and which no rule about values can see; if so, --duration-column "
        f"'{name}'. If it was known on the day that the row speaks of, nothing is to be done"
        for name in names
        if looks_like_duration(name)
    ]
    warnings += [
        f"{name}: by its name an identifier, whose number should teach nothing; --leave-out "
        f"'{name}' if it is one"
        for name in names
        if kinds[name] == "number" and name.lower().endswith("_id")
    ]
    return tuple(notices), tuple(warnings)


def _rows(frame: pd.DataFrame, roles: Mapping[Role, str], day: date) -> pd.DataFrame:
    """Everything about a row but its features."""
    if "account" in roles:
        account = spell_text(frame[roles["account"]])
    else:
        account = pd.Series([str(place + 1) for place in range(len(frame))], dtype=object)
    group = account
    if "group" in roles:
        parent = spell_text(frame[roles["group"]])
        group = parent.where(parent.notna(), account)
    dated = frame[roles["date"]] if "date" in roles else pd.Series(pd.Timestamp(day), frame.index)
    rows = pd.DataFrame(
        {
            "account_id": account,
            "group_id": group,
            "as_of": dated.astype("datetime64[s]"),
            "label": frame[roles["label"]].astype(np.float64),
            "arr": frame[roles["arr"]] if "arr" in roles else np.nan,
        }
    )
    for name in (*SHOWN_ONLY, *SHOWN_TOO):
        if name in frame and name not in roles.values():
            rows[name] = spell_text(frame[name])
    return rows


def _in_time(table: FlatTable, options: FlatOptions, drawn_up: date | None) -> FlatTable:
    """The table without rows later than its end, and without labels that were not known by then."""
    if not table.dated:
        return table
    end = pd.Timestamp(drawn_up or table.rows["as_of"].max())
    kept = (table.rows["as_of"] <= end).to_numpy(dtype=np.bool_)
    rows = table.rows.loc[kept].reset_index(drop=True)
    if rows.empty:
        rule, remedy = f"has no row dated by {end:%Y-%m-%d}", "give a later --as-of"
        raise InputError([Problem("the table", "", rule, remedy=remedy)])
    table = replace(
        table,
        rows=rows,
        features=table.features.loc[kept].reset_index(drop=True),
        dated=rows["as_of"].nunique() > 1,
        data_end=end.date(),
        notices=(*table.notices, *_say_late(kept, end)),
    )
    return _without_young_labels(table, options.horizon_days) if table.dated else table


def _say_late(kept: Sequence[bool] | np.ndarray, end: pd.Timestamp) -> list[str]:
    late = len(kept) - int(np.sum(kept))
    return [f"{late:,} rows are dated after {end:%Y-%m-%d} and left out"] if late else []


def _without_young_labels(table: FlatTable, horizon_days: int) -> FlatTable:
    """What is not mature by the table's end is not known, never "kept"."""
    assert table.data_end is not None  # dates have an end
    rows, end = table.rows.copy(), pd.Timestamp(table.data_end)
    young = rows["label"].notna() & (rows["as_of"] + pd.Timedelta(days=horizon_days) > end)
    rows.loc[young, "label"] = np.nan
    if horizon_days:
        said = f"a label counts as known {horizon_days} days after its row's date"
    else:
        said = (
            "a label counts as known on its row's own date; if it looks ahead of that date, say how"
            " far with --horizon-days, or models learn from days that they are tested on"
        )
    notices = [*table.notices, said]
    if young.any():
        notices.append(
            f"{int(young.sum()):,} labels were not known by {end:%Y-%m-%d} and are not used; give "
            "--as-of, the day on which the table was drawn up, if that was later"
        )
    return replace(table, rows=rows, notices=tuple(notices))
