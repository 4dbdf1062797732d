"""What warnings were worth: how often each preceded a loss, how early, and its false alarms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.alert import Severity
from models.table import BoolArray
from models.warning import WatchedRows, standing
from models.warning_rule import RuleBook

SPAN_DAYS = 180  # a warning speaks of a loss so many days ahead
EARLY_DAYS = 30  # later is too late to act
ANY = "any urgent or soon"


class Episode(NamedTuple):
    """A warning from its opening to its closing on the grid of as-of dates.

    Parameters
    ----------
    account_id : str
    opened, last : Timestamp
        As-of dates on which its condition held first and last.
    """

    account_id: str
    opened: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """How a rule did in the past.

    Parameters
    ----------
    severity : str or None
        None for all rules together.
    warnings : int
        Opened early enough that a loss within 180 days would be known.
    followed : int
        Of these, those followed by a loss of the account within 180 days.
    losses : int
        That a warning could have preceded: the account was watched 30 to 180 days before.
    preceded : int
        Of these, those before which it stood on some as-of date 30 to 180 days ahead.
    days_ahead : float or None
        Median days from its opening to these losses.
    standing : float
        Share 0-1 of the accounts on which it stood, over all as-of dates.
    """

    severity: Severity | None
    warnings: int
    followed: int
    losses: int
    preceded: int
    days_ahead: float | None
    standing: float

    @property
    def false_alarms(self) -> int:
        """Warnings that no loss followed in time."""
        return self.warnings - self.followed

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell backtest --json``."""
        return {
            "severity": self.severity,
            "warnings": self.warnings,
            "followed_by_loss": self.followed,
            "precision": self.followed / self.warnings if self.warnings else None,
            "false_alarms": self.false_alarms,
            "losses": self.losses,
            "preceded": self.preceded,
            "recall": self.preceded / self.losses if self.losses else None,
            "median_days_ahead": self.days_ahead,
            "standing_share": self.standing,
        }


@dataclass(frozen=True)
class WarningRecord:
    """How all rules did in the past.

    Parameters
    ----------
    rules : mapping of rule to RuleRecord
        In the order of the rules; the last one is of all urgent and soon ones together.
    off : mapping of rule to str
        Rules that were not evaluated, and why.
    base_rate : float or None
        Share 0-1 of accounts on an as-of date that were lost within 180 days: what a warning given
        by chance would be followed by.
    """

    rules: Mapping[str, RuleRecord]
    off: Mapping[str, str]
    base_rate: float | None

    def to_json(self) -> dict[str, object]:
        """What ``keepwell backtest --json`` prints under ``warnings``."""
        return {
            "span_days": SPAN_DAYS,
            "early_days": EARLY_DAYS,
            "base_rate": self.base_rate,
            "rules": {name: record.to_json() for name, record in self.rules.items()},
            "off": dict(self.off),
        }


@dataclass(frozen=True, eq=False)
class HeldRules:
    """Where each rule stood on past as-of rows, whatever module it spoke of.

    Parameters
    ----------
    account, as_of : Series, (n,)
    severity : mapping of rule to str
    masks : mapping of rule to bool, (n,)
    """

    account: pd.Series
    as_of: pd.Series
    severity: Mapping[str, Severity]
    masks: Mapping[str, BoolArray]

    def any_of(self, rules: Iterable[str]) -> BoolArray:
        """Where any of some rules stood, (n,)."""
        found = np.zeros(len(self.account), dtype=np.bool_)
        for rule in rules:
            found |= self.masks.get(rule, False)
        return found

    @property
    def loud(self) -> BoolArray:
        """Where any stood that asks for action, (n,): what is only kept in view does not."""
        return self.any_of(rule for rule, severity in self.severity.items() if severity != "watch")


def hold_rules(book: RuleBook, rows: WatchedRows) -> HeldRules:
    """Where each rule stands, evaluated as a score run does."""
    masks: dict[str, BoolArray] = {}
    for condition in book.conditions:
        mask, name = standing(condition, rows.features), condition.rule.name
        masks[name] = masks[name] | mask if name in masks else mask
    severity = {one.rule.name: one.rule.severity for one in book.conditions}
    return HeldRules(rows.account, rows.as_of, severity, masks)


def record_warnings(
    book: RuleBook,
    held: HeldRules,
    losses: pd.DataFrame,
    *,
    mature_until: pd.Timestamp,
    runs_to_close: int,
) -> WarningRecord:
    """How the rules did on past as-of rows.

    Parameters
    ----------
    book : RuleBook
    held : HeldRules
        On many as-of dates.
    losses : DataFrame
        ``account_id`` and ``lost_on``.
    mature_until : Timestamp
        Last as-of date for which a loss within 180 days would be known by now.
    runs_to_close : int
        As-of dates in a row without its condition close a warning.
    """
    past = Past(held, losses, mature_until)
    records = {
        name: past.judge(mask, held.severity[name], runs_to_close=runs_to_close)
        for name, mask in held.masks.items()
    }
    if records:
        records[ANY] = past.judge(held.loud, None, runs_to_close=runs_to_close)
    return WarningRecord(records, book.off, past.base_rate)


class Past:
    """Past as-of rows beside the losses that followed.

    Parameters
    ----------
    held : HeldRules
        Of which only account and as-of date are read.
    losses : DataFrame
        ``account_id`` and ``lost_on``.
    mature_until : Timestamp
    """

    def __init__(self, held: HeldRules, losses: pd.DataFrame, mature_until: pd.Timestamp) -> None:
        self.keys = pd.DataFrame({"account_id": held.account, "as_of": held.as_of})
        self.mature_until = mature_until
        self.run = {day: place for place, day in enumerate(sorted(self.keys["as_of"].unique()))}
        self.lost: dict[str, list[pd.Timestamp]] = {}
        for account, day in zip(losses["account_id"], losses["lost_on"], strict=True):
            self.lost.setdefault(account, []).append(day)
        watched = self.keys[self.keys["account_id"].isin(list(self.lost))]
        seen: dict[str, list[pd.Timestamp]] = {}
        for account, day in zip(watched["account_id"], watched["as_of"], strict=True):
            seen.setdefault(account, []).append(day)
        self.losses = [
            (account, day)
            for account, days in self.lost.items()
            for day in days
            if any(_is_early(day, at) for at in seen.get(account, ()))
        ]

    @cached_property
    def base_rate(self) -> float | None:
        """Share 0-1 of the mature rows that a loss followed; None without any."""
        mature = self.keys[self.keys["as_of"] <= self.mature_until]
        followed = [
            self.is_followed(account, day)
            for account, day in zip(mature["account_id"], mature["as_of"], strict=True)
        ]
        return sum(followed) / len(followed) if followed else None

    def is_followed(self, account: str, day: pd.Timestamp) -> bool:
        """Whether the account was lost within the span after a day."""
        return any(0 < (lost - day).days <= SPAN_DAYS for lost in self.lost.get(account, ()))

    def episodes(self, mask: BoolArray, *, runs_to_close: int) -> list[Episode]:
        """The warnings of a rule that stands where the mask says, by account."""
        found: list[Episode] = []
        held = self.keys[mask].sort_values(["account_id", "as_of"], kind="stable")
        for account, day in zip(held["account_id"], held["as_of"], strict=True):
            before = found[-1] if found else None
            if (
                before is not None
                and before.account_id == account
                and self.run[day] - self.run[before.last] <= runs_to_close
            ):
                found[-1] = before._replace(last=day)
            else:
                found.append(Episode(account, day, day))
        return found

    def judge(
        self, mask: BoolArray, severity: Severity | None, *, runs_to_close: int
    ) -> RuleRecord:
        """How the warnings of one rule did."""
        found = self.episodes(mask, runs_to_close=runs_to_close)
        mature = [one for one in found if one.opened <= self.mature_until]
        by_account: dict[str, list[Episode]] = {}
        for one in found:
            by_account.setdefault(one.account_id, []).append(one)
        ahead = [
            days
            for account, lost in self.losses
            if (days := _days_ahead(by_account.get(account, ()), lost)) is not None
        ]
        return RuleRecord(
            severity=severity,
            warnings=len(mature),
            followed=sum(self.is_followed(one.account_id, one.opened) for one in mature),
            losses=len(self.losses),
            preceded=len(ahead),
            days_ahead=float(median(ahead)) if ahead else None,
            standing=float(np.mean(mask)) if len(mask) else 0.0,
        )


def _is_early(lost: pd.Timestamp, day: pd.Timestamp) -> bool:
    return bool(EARLY_DAYS <= (lost - day).days <= SPAN_DAYS)


def _days_ahead(episodes: Sequence[Episode], lost: pd.Timestamp) -> int | None:
    """Days from the opening of the warning that preceded a loss early enough; None without one.

    It stood on some as-of date 30 to 180 days before: it was opened by then, and held since at most
    180 days before.
    """
    early = [
        one
        for one in episodes
        if (lost - one.opened).days >= EARLY_DAYS and (lost - one.last).days <= SPAN_DAYS
    ]
    return int((lost - early[0].opened).days) if early else None
