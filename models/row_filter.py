"""Which accounts a key may see: one predicate, in memory and in SQL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause, and_, true

from features.errors import InputError, Problem
from models.snapshot_check import ID_LENGTH, is_storable

FIELDS = ("segment", "account_tier", "owner", "region", "parent_id")
MOST_VALUES = 1000  # of a field; a database takes so many in one query, and no list is so long
FINGERPRINT_DIGITS = 16
SHAPE = f"write field=value, with one of {', '.join(FIELDS)}"


class Filterable(Protocol):
    """What a filter looks at: an account of a snapshot, None where nothing is known."""

    @property
    def segment(self) -> str | None: ...  # noqa: D102
    @property
    def account_tier(self) -> str | None: ...  # noqa: D102
    @property
    def owner(self) -> str | None: ...  # noqa: D102
    @property
    def region(self) -> str | None: ...  # noqa: D102
    @property
    def parent_id(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, init=False, slots=True)
class RowFilter:
    """The accounts whose every named field has one of the values given for it.

    Values of one field are alternatives, fields must all hold, and a field that is not known
    matches nothing. Texts are compared as they are, letter by letter.

    Parameters
    ----------
    values : mapping of str to collection of str
        Values by field, one of `FIELDS`; none at all admits every account.

    Attributes
    ----------
    conditions : tuple of (str, tuple of str)
        The same, in the order of `FIELDS`, values sorted and once each.
    fingerprint : str
        16 hexadecimal digits; equal filters have equal ones, in every process and version.

    Raises
    ------
    InputError
        A field that there is not, a field without a value, a value that no account can have.
    """

    conditions: tuple[tuple[str, tuple[str, ...]], ...]
    fingerprint: str = field(compare=False, repr=False)
    _allowed: tuple[tuple[str, frozenset[str]], ...] = field(compare=False, repr=False)

    def __init__(self, values: Mapping[str, Collection[str]]) -> None:
        problems = list(_problems(values))
        if problems:
            raise InputError(problems)
        conditions = tuple(
            (name, tuple(sorted(set(values[name])))) for name in FIELDS if name in values
        )
        text = json.dumps(conditions).encode("ascii")
        digest = hashlib.sha256(text).hexdigest()[:FINGERPRINT_DIGITS]
        object.__setattr__(self, "conditions", conditions)
        object.__setattr__(self, "fingerprint", digest)
        allowed = tuple((name, frozenset(given)) for name, given in conditions)
        object.__setattr__(self, "_allowed", allowed)

    @classmethod
    def parse(cls, document: object) -> RowFilter:
        """The filter that `to_json` gave.

        Raises
        ------
        InputError
            It is no such document.
        """
        if not isinstance(document, Mapping):
            rule = "must be an object of fields and lists of values"
            raise InputError([Problem("row filter", "", rule, remedy='write {"segment": ["smb"]}')])
        return cls(document)

    @property
    def is_everything(self) -> bool:
        """Whether every account is admitted."""
        return not self.conditions

    def admits(self, score: Filterable) -> bool:
        """Whether the filter lets an account through."""
        # A plain loop: lists of thousands of accounts are filtered in a request.
        for name, allowed in self._allowed:  # noqa: SIM110
            if getattr(score, name) not in allowed:
                return False
        return True

    def clause(self, table: FromClause) -> ColumnElement[bool]:
        """The same as a condition on the rows of a table; true or false, never null.

        Parameters
        ----------
        table : Table or other FromClause
            With the columns of the filter's fields.
        """
        columns = ((table.c[name], values) for name, values in self.conditions)
        return and_(
            true(),
            *(condition for column, values in columns
              for condition in (column.is_not(None), column.in_(values))),
        )  # fmt: skip

    def to_json(self) -> dict[str, list[str]]:
        """The filter as a JSON document: values by field."""
        return {name: list(values) for name, values in self.conditions}


def parse_conditions(texts: Sequence[str]) -> RowFilter:
    """The filter that options like ``segment=smb`` say; one field given twice has two values.

    Raises
    ------
    InputError
        See `RowFilter`; or a text without ``=``.
    """
    values: dict[str, list[str]] = {}
    shapeless = []
    for text in texts:
        name, equals, value = text.partition("=")
        if equals:
            values.setdefault(name, []).append(value)
        else:
            shapeless.append(Problem("row filter", "", f"{text!r} has no value", remedy=SHAPE))
    problems = [*shapeless, *_problems(values)]
    if problems:
        raise InputError(problems)
    return RowFilter(values)


def _problems(values: Mapping[Any, Any]) -> Iterator[Problem]:  # Any: may come from outside
    for name, given in values.items():
        if name not in FIELDS:
            rule = f"{name!r} is no field to filter by"
            yield Problem("row filter", "", rule, remedy=f"use one of {', '.join(FIELDS)}")
        elif isinstance(given, str) or not isinstance(given, Collection):
            yield Problem("row filter", name, "must be a list of values", remedy=f'{name}: ["…"]')
        elif not 1 <= len(given) <= MOST_VALUES:
            rule = f"must have 1 to {MOST_VALUES:,} values, not {len(given):,}"
            yield Problem("row filter", name, rule, remedy="leave it out to admit every value")
        elif not all(map(_is_value, given)):
            rule = f"each value must be a text of 1 to {ID_LENGTH} characters that can be stored"
            remedy = (
                "write it as the accounts table gives it; an empty or unknown field matches none"
            )
            yield Problem("row filter", name, rule, remedy=remedy)


def _is_value(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= ID_LENGTH and is_storable(value)


EVERYTHING = RowFilter({})
