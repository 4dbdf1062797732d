"""What became of accounts: of every one that ever was a customer, and of past probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One account that is or was a customer, as known at the snapshot's as-of date.

    Parameters
    ----------
    account_id : str
    parent_id, segment, account_tier, region, owner : str or None
        What row filters ask, as in `AccountScore`.
    started_on : date
        First day as a customer.
    left_on : date or None
        First day on which it was none any more; None while it is one.
    arr : float or None
        Current ARR; of one that left, the last it had. Reporting currency.
    value_by_day_30, value_by_day_90 : bool or None
        Whether a value action was seen by then; None while that is not yet known, no usage is, or
        the account was a customer before usage was.
    modules_used, modules_tried : tuple of str, or None
        Modules that were used in the 28 days before, and those that ever were; None where usage
        does not tell, and for accounts that left.
    contacts : mapping of str to (int, int), or None
        By stage of its life (``onboarding``, ``midlife``, ``renewal``) how often the vendor got in
        touch in the last 52 weeks, and how many of these weeks it was in that stage; None where
        that is not known.
    """

    account_id: str
    parent_id: str | None = None
    segment: str | None = None
    account_tier: str | None = None
    region: str | None = None
    owner: str | None = None
    started_on: date
    left_on: date | None = None
    arr: float | None = None
    value_by_day_30: bool | None = None
    value_by_day_90: bool | None = None
    modules_used: tuple[str, ...] | None = None
    modules_tried: tuple[str, ...] | None = None
    contacts: Mapping[str, tuple[int, int]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one probability that an earlier snapshot published.

    Parameters
    ----------
    snapshot_id : str
        Of the earlier snapshot.
    account_id : str
    lost : bool
        Whether what the probability spoke of came true: the contract was lost, or the account left
        within the horizon.
    known_on : date
        From when that is known: the label's day of maturity, never earlier.
    worked_on : bool
        Whether people acted on the account in between, so that a saved one can be told from a false
        alarm.
    """

    snapshot_id: str
    account_id: str
    lost: bool
    known_on: date
    worked_on: bool
