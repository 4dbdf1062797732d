"""Names that state how it ended: no column, measure or feature may bear one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from features.schema import TABLES


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# A column that bears one of these words states an outcome, whatever else it bears.
_CERTAIN = _set("churn churned churner churners churns churning attrited attrition")
# These state one when they stand alone or with words that add nothing.
_ENDS = _set(
    """cancel canceled cancelled cancellation cancelation cancels terminated termination closed
    closure lost left exit exited exiting leaver leaving quit lapsed departed departure expired
    deactivated inactive active alive offboarded offboarding unsubscribed nonrenewed renewed
    retained winback outcome status end ended defected defection"""
)
_FILLING = _set(
    """is was has had did flag date day at on in by of for to the time ts timestamp month year
    reason reasons code id cause category type kind survey note notes comment comments feedback
    interview indicator ind label target y yn bool value account customer client company contract
    subscription order user current currently latest last now today not no non didnt wasnt
    state will why when fully renewal renew final"""
)
# An end may be agreed beforehand: it is an outcome only with one of these.
_WHY = _set("reason reasons cause code flag survey note notes comment comments why")


def states_outcome(name: str) -> bool:
    """Whether a name says how a customer's time ended, such as ``ChurnFlag`` or ``closed_reason``.

    Parameters
    ----------
    name : str
        Of a column, a measure or a feature, however it is written.
    """
    words = set(_words(name))
    if words & _CERTAIN:
        return True
    ends = words & _ENDS
    if ends == {"end"} and not words & _WHY:
        return False
    return bool(ends) and words <= _ENDS | _FILLING


def _words(name: str) -> list[str]:
    """The words of a name in lower case; a known outcome also where it is glued to others."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    found = []
    for word in re.split(r"[^a-z]+", parted.lower()):
        glued = re.fullmatch(r"(is|was|has)?(churn(?:ed)?|cancell?ed|active|renewed)(.*)", word)
        if glued and all(part in _FILLING for part in (glued[1], glued[3]) if part):
            found += [part for part in glued.groups() if part]
        else:
            found.append(word)
    return [word for word in found if word]


def _selected(tree: exp.Expr) -> Iterator[exp.Expr]:
    """What the outermost SELECT returns under a name of its own, also through a star."""
    for selected in tree.selects if isinstance(tree, exp.Query) else ():
        star = selected.find(exp.Star)
        if star is None:
            yield selected
            continue
        for changed in ("rename", "replace"):
            yield from star.args.get(changed) or ()


def columns_read(table: str, query: str) -> Iterator[tuple[str, str]]:
    """Contract column and the outcome that it is read from, for each that a query renames.

    The dates of an end are the contract's own and may be read from anything; of other columns
    those are given that read a column of a certain name, such as ``churn_flag AS plan``.

    Parameters
    ----------
    table : str
        A contract table.
    query : str
        DuckDB SQL; one that sqlglot cannot read yields nothing.
    """
    try:
        tree = sqlglot.parse_one(query, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return
    for selected in _selected(tree):
        column = TABLES[table].column(selected.alias_or_name)
        if column is not None and column.kind in ("date", "id"):
            continue
        for read in selected.find_all(exp.Column):
            if _CERTAIN & set(_words(read.name)) and read.name != selected.alias_or_name:
                yield selected.alias_or_name, read.name
