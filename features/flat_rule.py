"""What must hold of a flat table, counted over all rows and reported all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import numpy as np
import pandas as pd

from features.errors import Problem
from features.external_id import REMEDY, RULE, find_shared
from features.flat_column import Role
from features.flat_file import spell_text
from features.outcome_name import states_outcome

MOST_CATEGORIES = 255
# Fewer rows than this say nothing about whether a column's texts are all different.
LEAST_ROWS = 20
# The AUC compares rows of one date; with fewer on a date there is next to nothing to compare.
LEAST_PER_DATE = 10
EXTERNAL_ID = "external_id"
_EXAMPLES = 3


def check_roles(
    table: str, frame: pd.DataFrame, roles: Mapping[Role, str], *, today: date
) -> Iterator[Problem]:
    """What is wrong with label, accounts, dates and money.

    Parameters
    ----------
    table : str
        Name of the file.
    frame : DataFrame, (n, ...)
        As read: numbers, text as object with None, dates as datetime64.
    roles : mapping of role to column
    today : date
        No row may be dated later.
    """
    yield from _check_label(table, frame[roles["label"]])
    yield from _check_account(table, frame, roles)
    yield from _check_external_id(table, frame, roles)
    if "date" in roles:
        yield from _check_date(table, frame, roles, today)
    if "arr" in roles and not _is_number(frame[roles["arr"]]):
        remedy = "write plain numbers, or leave the option out"
        yield Problem(table, roles["arr"], "must hold numbers (--arr-column)", remedy=remedy)


def check_features(table: str, features: pd.DataFrame) -> Iterator[Problem]:
    """What is wrong with the columns that are to be features.

    Parameters
    ----------
    table : str
        Name of the file.
    features : DataFrame, (n, k)
        Under their own names.
    """
    for name in map(str, features.columns):
        column = features[name]
        if states_outcome(name):
            yield Problem(
                table,
                name,
                "states an outcome by its name",
                remedy=f"--leave-out '{name}'; or rename it, if it was known before the outcome",
            )
        elif pd.api.types.is_datetime64_any_dtype(column.dtype):
            remedy = f"--date-column '{name}' if rows are dated by it, else --leave-out '{name}'"
            yield Problem(table, name, "is a date and no feature", remedy=remedy)
        elif not _is_number(column):
            yield from _check_category(table, name, column)
    if features.shape[1] == 0:
        remedy = "give a table with columns that were known before the outcome"
        yield Problem(table, "", "has no column left to learn from", remedy=remedy)


def check_finite(table: str, frame: pd.DataFrame) -> Iterator[Problem]:
    """The columns that hold an infinite number."""
    for name in map(str, frame.columns):
        column = frame[name]
        if not _is_number(column):
            continue
        infinite = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            yield Problem(
                table,
                name,
                "must be finite",
                rows=int(infinite.sum()),
                remedy="leave the cell empty where the value is not known",
            )


def _check_label(table: str, label: pd.Series) -> Iterator[Problem]:
    wrong = label[label.notna() & ~label.isin([0.0, 1.0])]
    if len(wrong):
        yield Problem(
            table,
            str(label.name),
            "the label must be 1 or 0 (or yes and no, true and false), or empty where not known",
            rows=len(wrong),
            examples=tuple(str(value) for value in wrong.unique()[:_EXAMPLES]),
            remedy="write 1 where the account left, 0 where it stayed",
        )


def _check_account(table: str, frame: pd.DataFrame, roles: Mapping[Role, str]) -> Iterator[Problem]:
    if "account" not in roles:
        if "date" in roles:
            rule = "rows over time need the account that they are of"
            yield Problem(table, "", rule, remedy="name its column with --account-column")
        return
    name = roles["account"]
    account = frame[name]
    if account.isna().any():
        missing = int(account.isna().sum())
        remedy = "give every row the id of its account"
        yield Problem(table, name, "must not be empty", rows=missing, remedy=remedy)
    keys = [name, roles["date"]] if "date" in roles else [name]
    again = frame[account.notna() & frame.duplicated(keys, keep="first")]
    if len(again):
        what = "an account may occur once on a date" if "date" in roles else "may occur once"
        remedy = (
            "keep one row"
            if "date" in roles
            else ("keep one row, or name the rows' date with --date-column")
        )
        examples = tuple(str(value) for value in again[name].unique()[:_EXAMPLES])
        yield Problem(table, name, what, rows=len(again), examples=examples, remedy=remedy)


def _check_external_id(
    table: str, frame: pd.DataFrame, roles: Mapping[Role, str]
) -> Iterator[Problem]:
    """Accounts that share an id in the CRM, as the last row of each tells it."""
    if EXTERNAL_ID not in frame or EXTERNAL_ID in roles.values():
        return
    if "account" in roles:
        account = spell_text(frame[roles["account"]])
    else:  # each row is one
        account = pd.Series([str(place + 1) for place in range(len(frame))], dtype=object)
    told = pd.DataFrame({"account": account, "external": spell_text(frame[EXTERNAL_ID])})
    if "date" in roles and pd.api.types.is_datetime64_any_dtype(frame[roles["date"]].dtype):
        told = told.loc[frame[roles["date"]].sort_values(kind="stable").index]
    latest = told.dropna(subset=["account"]).drop_duplicates("account", keep="last").dropna()
    shared = find_shared(zip(latest["account"], latest["external"], strict=True))
    if shared:
        examples = tuple(shared[:_EXAMPLES])
        yield Problem(table, EXTERNAL_ID, RULE, len(shared), examples, REMEDY)


def _check_date(
    table: str, frame: pd.DataFrame, roles: Mapping[Role, str], today: date
) -> Iterator[Problem]:
    name = roles["date"]
    days = frame[name]
    if not pd.api.types.is_datetime64_any_dtype(days.dtype):
        seen = tuple(str(value) for value in days.dropna().unique()[:_EXAMPLES])
        remedy = "write every date as YYYY-MM-DD"
        yield Problem(table, name, "must hold dates", examples=seen, remedy=remedy)
        return
    if days.isna().any():
        remedy = "date every row, or name no date column"
        missing = int(days.isna().sum())
        yield Problem(table, name, "must not be empty", rows=missing, remedy=remedy)
    later = days[days > pd.Timestamp(today)]
    if len(later):
        examples = tuple(f"{value:%Y-%m-%d}" for value in later.unique()[:_EXAMPLES])
        remedy = "date rows by the day before which their values were known"
        yield Problem(
            table, name, "lies in the future", rows=len(later), examples=examples, remedy=remedy
        )
    dates = days.nunique()
    if dates > 1 and len(days) < LEAST_PER_DATE * dates:
        rule = (
            f"{dates:,} dates of {len(days) / dates:.1f} rows each: accounts are compared on the "
            f"same date, so at least {LEAST_PER_DATE} rows per date are needed"
        )
        remedy = "date each row by the first day of the following month (or quarter)"
        yield Problem(table, name, rule, remedy=remedy)


def _check_category(table: str, name: str, column: pd.Series) -> Iterator[Problem]:
    present = column.dropna()
    values = present.nunique()
    every_other = len(present) >= LEAST_ROWS and values > len(present) / 2
    if values <= MOST_CATEGORIES and not every_other:
        return
    yield Problem(
        table,
        name,
        f"{values:,} different texts in {len(present):,} rows tell accounts apart, no more",
        examples=tuple(str(value)[:40] for value in sorted(present.unique())[:_EXAMPLES]),
        remedy=f"--leave-out '{name}', or put them into at most {MOST_CATEGORIES} groups; leave "
        "cells empty in a column of numbers where nothing is known",
    )


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column.dtype)
