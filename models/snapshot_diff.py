"""What changed between two snapshots: by it a CRM takes over only what it must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from models.account_score import AccountScore, Basis, State, Tier
from models.alert import mark_open

POINT = 0.01  # share of probability
ARR_SHARE = 0.01  # of the account's ARR before
HEALTH_POINTS = 5.0  # of 100; ranks among others move scores by less from night to night
_ROUNDING = 1e-9  # 0.06 - 0.05 is a little less than a point


class Trace(NamedTuple):
    """What of an account is compared between snapshots, and by what it is found and filtered.

    Parameters
    ----------
    account_id, state, external_id, parent_id, segment, account_tier, region, owner, basis
        As in `AccountScore`.
    decision_date, arr
        Likewise.
    loss_probability : float or None
        Share 0-1.
    risk_tier : str or None
        One of `TIERS`.
    top_driver : str or None
        Feature of the strongest driver; None without one, and in a snapshot of a Keepwell that did
        not write it down.
    health_score : float or None
        0-100; None likewise.
    open_warnings : str or None
        The rules of the warnings that stand, see `models.alert.mark_open`.
    """

    account_id: str
    state: State
    external_id: str | None = None
    parent_id: str | None = None
    segment: str | None = None
    account_tier: str | None = None
    region: str | None = None
    owner: str | None = None
    loss_probability: float | None = None
    risk_tier: Tier | None = None
    top_driver: str | None = None
    basis: Basis | None = None
    decision_date: date | None = None
    arr: float | None = None
    health_score: float | None = None
    open_warnings: str | None = None


_EQUAL = ("risk_tier", "state", "external_id", "basis", "decision_date", "open_warnings")
_MADE = ("top_driver", "open_warnings")  # of what a score holds
_PLAIN = tuple(name for name in Trace._fields if name not in _MADE)


@dataclass(frozen=True, slots=True)
class SnapshotDiff:
    """What a later snapshot says otherwise than an earlier one, each part by account id.

    Parameters
    ----------
    changed : tuple of str
        Accounts of both that are told otherwise, see `has_changed`.
    new : tuple of str
        Accounts of the later one only.
    gone : tuple of Trace
        Accounts of the earlier one only, as they were there.
    """

    changed: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[Trace, ...]


def trace_account(score: AccountScore) -> Trace:
    """The part of an account's score that is compared."""
    plain = {name: getattr(score, name) for name in _PLAIN}
    warnings = mark_open(score.alerts)
    return Trace(**plain, top_driver=top_driver(score), open_warnings=warnings)


def top_driver(score: AccountScore) -> str | None:
    """Feature of the strongest driver, or None without drivers."""
    return score.drivers[0].feature if score.drivers else None


def has_changed(before: Trace, after: Trace, *, points: float = POINT) -> bool:
    """Whether an account is to be told again.

    Its tier, state, top driver, basis, decision date or open warnings are other ones; its
    probability moved by `points` (share 0-1) or more, its ARR by a hundredth or its health score by
    five points of 100, or one of them appeared or went; or it has another id in the CRM, where
    another record is now its own. A top driver that is not known is taken to be the same.
    """
    if any(getattr(before, name) != getattr(after, name) for name in _EQUAL):
        return True
    if _has_moved(before.arr, after.arr, by=ARR_SHARE * abs(before.arr or 0.0)):
        return True
    if _has_moved(before.health_score, after.health_score, by=HEALTH_POINTS):
        return True
    if None not in (before.top_driver, after.top_driver) and before.top_driver != after.top_driver:
        return True
    return _has_moved(before.loss_probability, after.loss_probability, by=points)


def _has_moved(before: float | None, after: float | None, *, by: float) -> bool:
    """Whether a figure moved so far, appeared or went."""
    if before is None or after is None:
        return before is not after
    return before != after and abs(after - before) >= by - _ROUNDING


def compare_snapshots(
    before: Iterable[Trace], after: Iterable[Trace], *, points: float = POINT
) -> SnapshotDiff:
    """What changed from one snapshot to another.

    A caller who may see a part of the accounts filters both sides first: what left that part is
    then gone, and what came into it new.

    Parameters
    ----------
    before, after : iterable of Trace
        One per account, in any order.
    points : float
        Share 0-1 from which a probability has changed.
    """
    old = {trace.account_id: trace for trace in before}
    new = {trace.account_id: trace for trace in after}
    return SnapshotDiff(
        changed=tuple(
            sorted(
                name
                for name in old.keys() & new.keys()
                if has_changed(old[name], new[name], points=points)
            )
        ),
        new=tuple(sorted(new.keys() - old.keys())),
        gone=tuple(old[name] for name in sorted(old.keys() - new.keys())),
    )


def lost_external_ids(before: Iterable[Trace], after: Sequence[Trace]) -> tuple[Trace, ...]:
    """One account of the earlier snapshot for each external id that the later one has no more.

    Accounts that are gone, and those that now have another external id or none: the records of all
    of them in the CRM are to be emptied.
    """
    kept = {trace.external_id for trace in after}
    lost = {
        trace.external_id: trace
        for trace in before
        if trace.external_id is not None and trace.external_id not in kept
    }
    return tuple(lost[name] for name in sorted(lost))
