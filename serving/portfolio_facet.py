"""What the filters of the portfolio page offer: the values that occur among visible accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from serving.entry import Outline

MOST_OPTIONS = 150  # more is typed instead of chosen: a long list is slow to read and to send


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one filter.

    Parameters
    ----------
    options : tuple of str
        Sorted; empty where there are more than `MOST_OPTIONS`.
    is_long : bool
        Whether there are more.
    """

    options: tuple[str, ...]
    is_long: bool


def find_facets(accounts: Sequence[Outline], *, people: bool) -> dict[str, Facet]:
    """Facets by filter; owners only for who may read names of people."""
    names = ("segment", "region", "parent_id", "account_tier", *(("owner",) if people else ()))
    found = {name: _facet(getattr(one, name) for one in accounts) for name in names}
    rules = (one.open_warnings for one in accounts if one.open_warnings)
    found["warning"] = _facet(rule for text in set(rules) for rule in text.strip("|").split("|"))
    return found


def _facet(values: Iterable[str | None]) -> Facet:
    known = {value for value in values if value}
    is_long = len(known) > MOST_OPTIONS
    return Facet(() if is_long else tuple(sorted(known)), is_long)
