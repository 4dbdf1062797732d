"""What changed in a list of accounts since an earlier snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from models.snapshot_diff import Trace, has_changed
from serving.entry import Outline


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference of one list between two snapshots.

    Parameters
    ----------
    ids : tuple of str
        Accounts to be told again, in the order of the list.
    gone : bytes
        The fields of `AccountPage` that tell what the list held before and does not hold now,
        each with a comma behind it.
    """

    ids: tuple[str, ...]
    gone: bytes


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
    old = {account.account_id: _trace(account) for account in before}
    lost = {trace.external_id for trace in old.values()}
    ids = []
    for account in now:
        lost.discard(account.external_id)
        was = old.pop(account.account_id, None)
        if was is None or has_changed(was, _trace(account), points=points):
            ids.append(account.account_id)
    gone = [{"account_id": name, "external_id": old[name].external_id} for name in sorted(old)]
    return Changes(tuple(ids), render_gone(gone, sorted(one for one in lost if one is not None)))


def render_gone(gone: object, external_ids: object) -> bytes:
    """The fields of `AccountPage` about what is gone; None where nothing is said of it."""
    return orjson.dumps({"gone": gone, "gone_external_ids": external_ids})[1:-1] + b","


def _trace(account: Outline) -> Trace:
    return Trace(*(getattr(account, name) for name in Trace._fields))
