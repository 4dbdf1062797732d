"""What the columns of a flat table are, by option or well-known name, and what names give away."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from features.errors import Problem

Role = Literal["label", "account", "date", "group", "arr", "duration"]

# Names by which a role is found where no option names its column; the first that is there.
WELL_KNOWN: Mapping[Role, tuple[str, ...]] = {
    "account": ("account_id", "customer_id", "company_id", "client_id"),
    "date": ("as_of", "as_of_date", "snapshot_date"),
    "group": ("parent_id",),
    "arr": ("arr",),
}
# Shown to people under their own names. The first are never features: they name an account.
SHOWN_ONLY = ("external_id", "name", "owner")
SHOWN_TOO = ("segment", "account_tier", "region")

# What LightGBM takes for JSON in a feature's name, see models/encoding.py.
_UNSAFE = re.compile(r'[\s",:\[\]{}]+')
_DURATION = re.compile(
    r"(.*_)?(survival|duration|lifetime|tenure|time_to_event)(_.*)?"
    r"|(days|weeks|months|years)_(active|alive|survived|subscribed|as_customer|since_signup)"
    r"|(days|weeks|months|years|time)_(to|until|till)_(churn|loss|exit|cancel\w*|end)"
    r"|active_(days|weeks|months|years)"
)


@dataclass(frozen=True)
class FlatOptions:
    """What the user says about the columns of a flat table; None: found by well-known names.

    Parameters
    ----------
    label : str
        1 for an account that left, 0 for one that stayed, nothing where it is not known.
    account, date, group, arr, duration : str or None
        Columns with the account's id, the row's as-of date, the parent, the ARR, and the time
        that the account was followed.
    leave_out : tuple of str
        Columns that are no features.
    horizon_days : int
        Days after its date on which a row's label is known.
    """

    label: str
    account: str | None = None
    date: str | None = None
    group: str | None = None
    arr: str | None = None
    duration: str | None = None
    leave_out: tuple[str, ...] = ()
    horizon_days: int = 0


def find_roles(
    table: str, columns: Sequence[str], options: FlatOptions
) -> tuple[dict[Role, str], list[Problem]]:
    """The column of each role that the table has, and what is wrong with the options.

    Parameters
    ----------
    table : str
        Name of the file, for the problems.
    columns : sequence of str
        Of the file.
    options : FlatOptions
    """
    roles: dict[Role, str] = {}
    problems = []
    named: dict[Role, str | None] = {
        "label": options.label,
        "account": options.account,
        "date": options.date,
        "group": options.group,
        "arr": options.arr,
        "duration": options.duration,
    }
    remedy = f"name one of its columns: {', '.join(columns)}"
    for role, name in named.items():
        if name is None:
            name = next((known for known in WELL_KNOWN.get(role, ()) if known in columns), None)
        if name is None:
            continue
        if name not in columns:
            problems.append(
                Problem(table, name, f"is no column (--{_option(role)})", remedy=remedy)
            )
        elif name in roles.values():
            other = next(r for r, taken in roles.items() if taken == name)
            rule = f"cannot be both --{_option(other)} and --{_option(role)}"
            problems.append(Problem(table, name, rule, remedy="name another column"))
        else:
            roles[role] = name
    problems += [
        Problem(table, name, "is no column (--leave-out)", remedy=remedy)
        for name in options.leave_out
        if name not in columns
    ]
    return roles, problems


def _option(role: Role) -> str:
    return role if role == "label" else f"{role}-column"


def name_features(table: str, columns: Sequence[str]) -> tuple[dict[str, str], list[Problem]]:
    """The feature's name of each column; spaces and signs of JSON become underscores.

    Returns
    -------
    dict of str to str
        Column to feature.
    list of Problem
        Columns that would become the same feature.
    """
    names = {column: _UNSAFE.sub("_", column) for column in columns}
    problems = []
    for name in dict.fromkeys(names.values()):
        same = [column for column in columns if names[column] == name]
        if len(same) > 1:
            rule = f"would be the same feature {name} as {', '.join(map(repr, same[:-1]))}"
            problems.append(Problem(table, same[-1], rule, remedy="rename one of them"))
    return names, problems


def looks_like_duration(column: str) -> bool:
    """Whether a column's name may mean the time until the account left or the data ended."""
    return _DURATION.fullmatch(_plain(column)) is not None


def _plain(column: str) -> str:
    """The name in lower case with underscores: ``Months Active`` and ``monthsActive`` alike."""
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column)
    return re.sub(r"\W+", "_", split).strip("_").lower()
