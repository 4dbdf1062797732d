"""One account as the service holds it: what is asked of it, and its answer as bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from sys import getsizeof

from models.account_score import Abstention, Basis, State, Tier


@dataclass(slots=True)
class Outline:
    """What an account is chosen, sorted and compared by; fields as in `AccountScore`.

    Parameters
    ----------
    top_driver : str or None
        The feature of the strongest driver; None without one.
    open_warnings : str or None
        The rules of the warnings that stand, see `models.alert.mark_open`.
    search_text : str or None
        See `models.search`; None in a snapshot that an older Keepwell published.
    """

    account_id: str
    external_id: str | None
    name: str | None
    parent_id: str | None
    segment: str | None
    account_tier: str | None
    region: str | None
    owner: str | None
    state: State
    basis: Basis | None
    risk_tier: Tier | None
    abstained: Abstention | None
    loss_probability: float | None
    rescored_probability: float | None
    arr: float | None
    arr_to_decide: float | None
    arr_at_risk: float | None
    arr_under_notice: float | None
    decision_date: date | None
    renewal_date: date | None
    health_score: float | None
    north_star: float | None
    top_driver: str | None
    open_warnings: str | None
    search_text: str | None


@dataclass(slots=True)
class Entry(Outline):
    """An outline with the account's answer, in parts that only have to be joined.

    Parameters
    ----------
    row : bytes
        JSON object of a `RankedAccount` up to the value of ``owner``, its last field.
    owner_json : bytes
        That value, for callers who may read names of people.
    more : bytes
        The fields that `AccountRisk` adds, with the comma before them; without what it says of
        the snapshot.
    """

    row: bytes
    owner_json: bytes
    more: bytes


FIXED = 1_080  # bytes: the object, its numbers and dates, and its places in two dictionaries
OUTLINE = tuple(item.name for item in fields(Outline))


def weigh(entry: Entry) -> int:
    """About how many bytes an entry takes in memory, with its place in every index."""
    own = (
        entry.account_id,
        entry.external_id,
        entry.name,
        entry.search_text,
        entry.row,
        entry.more,
    )
    return sum(map(getsizeof, own)) + FIXED
