"""Rows of the portfolio page: an account as its reader sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from markupsafe import Markup

from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.row_filter import RowFilter
from models.score_change import ScoreChange, explain_change
from models.snapshot import SnapshotHeader
from models.unscored import UnscoredReason, reason_unscored
from serving.caller import Caller
from serving.chart_sparkline import draw_sparkline
from serving.entry import Outline
from serving.page import link_account
from serving.portfolio_figure import Change
from serving.portfolio_ledger import Ledger, Previous
from serving.reason import choose_reasons
from serving.shelf import Shelf

REASONS = 2


class Parent(NamedTuple):
    """The parent of an account: its id, its name where the reader may see it."""

    parent_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRow:
    """One account in the table.

    Parameters
    ----------
    place : int
        In the list, from 1.
    score : AccountScore
    name, link : str
        Its name, else its id; the path of its page.
    parent : Parent or None
    owner : str or None
        None also for readers who may not see names of people.
    days : int or None
        From the as-of date to the decision; below 0 when its day has passed.
    before : float or None
        The probability in the snapshot before.
    sparkline : Markup
    drivers : tuple of Driver
        The strongest that raise the probability, one of a group; see `serving.reason`.
    alert : Alert or None
        The most severe that is open.
    unscored : str or None
        Why there is no probability, see `models.unscored`.
    """

    place: int
    score: AccountScore
    name: str
    link: str
    parent: Parent | None
    owner: str | None
    days: int | None
    before: float | None
    sparkline: Markup
    drivers: tuple[Driver, ...]
    alert: Alert | None
    unscored: UnscoredReason | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One account that moved, with what moved it.

    Parameters
    ----------
    change : Change
    score : AccountScore
    name, link : str
    groups : tuple of str
        Groups of features that moved it most; empty where another model did.
    """

    change: Change
    score: AccountScore
    name: str
    link: str
    groups: tuple[str, ...] = ()


def make_rows(
    ledger: Ledger, shelf: Shelf, caller: Caller, accounts: Sequence[Outline], start: int
) -> list[PortfolioRow]:
    """Rows of some accounts of a list; blocks on the store.

    Parameters
    ----------
    ledger : Ledger
    shelf : Shelf
        The snapshot.
    caller : Caller
        Who reads them.
    accounts : sequence of Outline
        In their order.
    start : int
        Accounts of the list before the first.
    """
    ids = [one.account_id for one in accounts]
    scores = ledger.scores(shelf.snapshot_id, ids)
    trend = ledger.trend(shelf.header, ids)
    parents = find_parents(shelf, caller.row_filter, [one.parent_id for one in accounts])
    return [
        _make_row(
            scores[name],
            place,
            shelf.header,
            parents,
            trend.values[name],
            people=caller.may("people:read"),
        )
        for place, name in enumerate(ids, start + 1)
        if name in scores
    ]


def find_parents(shelf: Shelf, allowed: RowFilter, ids: Sequence[str | None]) -> dict[str, Parent]:
    """Parents by id, with the names of those that are accounts the reader may see."""
    asked = sorted({one for one in ids if one is not None})
    found = shelf.find_many(asked, external=False)
    return {
        one: Parent(one, entry.name if entry and entry.name and allowed.admits(entry) else one)
        for one, entry in zip(asked, found, strict=True)
    }


def show_changes(
    ledger: Ledger, header: SnapshotHeader, changes: Sequence[Change]
) -> list[ChangeRow]:
    """The accounts behind some changes, without what moved them; blocks on the store."""
    scores = ledger.scores(header.snapshot_id, [one.account_id for one in changes])
    return [
        ChangeRow(change, score, name_account(score), link_account(score.account_id))
        for change in changes
        if (score := scores.get(change.account_id))
    ]


def explain_changes(
    ledger: Ledger, header: SnapshotHeader, previous: Previous, changes: Sequence[Change]
) -> list[ChangeRow]:
    """The same of what customers did, with the groups that moved them; blocks on the store."""
    rows = show_changes(ledger, header, changes)
    past = ledger.past(previous.header.snapshot_id, [row.score.account_id for row in rows])
    explained = []
    for row in rows:
        score = row.score
        assert score.basis is not None  # it moved
        voice = previous.voices[score.basis]
        change = explain_change(past.get(score.account_id), score, voice=voice)
        explained.append(replace(row, groups=_name_groups(change)))
    return explained


def name_account(score: AccountScore) -> str:
    """What an account is called on the pages: by its name, else its id."""
    return score.name or score.account_id


def _name_groups(change: ScoreChange) -> tuple[str, ...]:
    """The two groups that went furthest in the direction in which the customer went."""
    way = change.customer_change or 0.0
    return tuple(one.group for one in change.by_group or () if one.points * way > 0)[:2]


def _make_row(
    score: AccountScore,
    place: int,
    header: SnapshotHeader,
    parents: dict[str, Parent],
    values: list[float | None],
    *,
    people: bool,
) -> PortfolioRow:
    marks = [(one.group, one.contribution > 0) for one in score.drivers]
    open_alerts = [one for one in score.alerts if one.is_open]
    return PortfolioRow(
        place=place,
        score=score,
        name=name_account(score),
        link=link_account(score.account_id),
        parent=None if score.parent_id is None else parents[score.parent_id],
        owner=score.owner if people else None,
        days=_count_days(header.as_of, score.decision_date),
        before=values[-2] if len(values) > 1 else None,
        sparkline=draw_sparkline(values),
        drivers=tuple(score.drivers[place] for place in choose_reasons(marks, REASONS)),
        alert=next(iter(open_alerts), None),
        unscored=reason_unscored(score),
    )


def _count_days(as_of: date | None, day: date | None) -> int | None:
    return None if as_of is None or day is None else (day - as_of).days
