"""What changed in a list of accounts since an earlier snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from models.snapshot import State, Tier
from serving.entry import Outline

ROUNDING = 1e-9  # 0.06 - 0.05 is a little less than a point


class Compared(NamedTuple):
    """What of an account is compared; the probability first, since it may move a little."""

    loss_probability: float | None
    risk_tier: Tier | None
    state: State
    top_driver: str | None
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference of one list between two snapshots.

    Parameters
    ----------
    ids : tuple of str
        Accounts to be told again, in the order of the list.
    gone_json : bytes
        JSON list of the accounts that the list held before and does not hold now.
    """

    ids: tuple[str, ...]
    gone_json: bytes


def find_changes(before: Iterable[Outline], now: Iterable[Outline], *, points: float) -> Changes:
    """What changed from one list to another.

    Both hold what the caller asks for and may see in their own snapshot: an account that moved out
    of it is gone, as is one that left altogether, and one that moved into it is told.

    Parameters
    ----------
    before, now : iterables of Outline
        One per account.
    points : float
        Share 0-1 from which a probability has changed.
    """
    old = {account.account_id: _compared(account) for account in before}
    ids = []
    for account in now:
        was = old.pop(account.account_id, None)
        if was is None or has_changed(was, _compared(account), points=points):
            ids.append(account.account_id)
    gone = [{"account_id": name, "external_id": old[name].external_id} for name in sorted(old)]
    return Changes(tuple(ids), orjson.dumps(gone))


def has_changed(before: Compared, now: Compared, *, points: float) -> bool:
    """Whether an account is to be told again."""
    if before[1:] != now[1:]:
        return True
    was, is_now = before.loss_probability, now.loss_probability
    if was is None or is_now is None:
        return was is not is_now
    return abs(is_now - was) >= points - ROUNDING


def _compared(account: Outline) -> Compared:
    return Compared(*(getattr(account, name) for name in Compared._fields))
