"""Which accounts a list is of and in which order: one object for memory and for SQL."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeVar, get_args

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, true

from models.account_score import State, Tier
from models.alert import mark_of
from models.row_filter import EVERYTHING, RowFilter
from models.unscored import is_unscored, reason_unscored
from serving.entry import Outline

Sort = Literal[
    "rank",
    "-arr_at_risk",
    "arr_at_risk",
    "-loss_probability",
    "loss_probability",
    "-arr",
    "arr",
    "-decision_date",
    "decision_date",
    "-renewal_date",
    "renewal_date",
    "-account_id",
    "account_id",
]
# By which only the pages sort.
PageSort = Literal["open", "name", "-name", "owner", "-owner", "health_score", "-health_score"]
# In the order of the pages: what can still be won, what ended with nothing signed, all others.
OPEN: tuple[State, ...] = ("to_decide", "no_term")
ENDED: State = "in_grace"
UNKNOWN_ARR = -1.0  # below all that is known
SORTS: tuple[Sort, ...] = get_args(Sort)
PAGE_SORTS: tuple[Sort | PageSort, ...] = (*SORTS, *get_args(PageSort))
TEXTS = ("name", "owner")  # columns of text by which accounts are sorted, beside the id
One = TypeVar("One", bound=Outline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Accounts for which everything asked for holds; what is not asked for holds for all.

    Parameters
    ----------
    of : RowFilter
        Segments, account tiers, owners, regions and parents.
    risk_tier, state : tuple of str
        Any of them; empty for all. No risk tier is none of them.
    warning : tuple of str
        Rules of warnings; an account has to have any of them open.
    decision_after, decision_before : date or None
        Both exclusive. An account without a decision date lies neither after nor before.
    search : str
        A part of the name or of either id, folded by `models.search.fold`; empty for all.
    unscored : bool
        Whether only accounts are asked for that have no probability and could have one.
    sort : str
        One of `PAGE_SORTS`: ``rank`` is the ranking, ``open`` the same with those first that can
        still be won and then those in grace, and accounts without a chance by ARR; else a column,
        descending with ``-``. What is null comes last either way, and what is equal goes by account
        id.
    """

    of: RowFilter = EVERYTHING
    risk_tier: tuple[Tier, ...] = ()
    state: tuple[State, ...] = ()
    warning: tuple[str, ...] = ()
    decision_after: date | None = None
    decision_before: date | None = None
    search: str = ""
    unscored: bool = False
    sort: Sort | PageSort = "rank"

    @property
    def fingerprint(self) -> str:
        """A short text that differs for every other selection."""
        asked = (
            self.of.fingerprint,
            sorted(self.risk_tier),
            sorted(self.state),
            sorted(self.warning),
            self.decision_after,
            self.decision_before,
            self.search,
            self.unscored,
            self.sort,
        )
        return hashlib.blake2s(repr(asked).encode(), digest_size=12).hexdigest()

    def admits(self, account: Outline) -> bool:
        """Whether the account is one of those that are asked for."""
        if self.risk_tier and account.risk_tier not in self.risk_tier:
            return False
        if self.state and account.state not in self.state:
            return False
        day = account.decision_date
        if self.decision_after and not (day and day > self.decision_after):
            return False
        if self.decision_before and not (day and day < self.decision_before):
            return False
        return self._is_found(account) and self.of.admits(account)

    def _is_found(self, account: Outline) -> bool:
        if self.unscored and reason_unscored(account) is None:
            return False
        if self.search and self.search not in (account.search_text or ""):
            return False
        marks = account.open_warnings or ""
        return not self.warning or any(mark_of(rule) in marks for rule in self.warning)

    def clause(self, table: FromClause) -> ColumnElement[bool]:
        """The same as a condition on the rows of `ACCOUNT_SCORE`."""
        asked: list[ColumnElement[bool]] = [true(), self.of.clause(table)]
        if self.risk_tier:
            asked.append(table.c.risk_tier.in_(self.risk_tier))
        if self.state:
            asked.append(table.c.state.in_(self.state))
        if self.decision_after:
            asked.append(table.c.decision_date > self.decision_after)
        if self.decision_before:
            asked.append(table.c.decision_date < self.decision_before)
        if self.unscored:
            asked.append(is_unscored(table))
        if self.search:
            asked.append(table.c.search_text.contains(self.search, autoescape=True))
        if self.warning:
            marks = table.c.open_warnings
            held = (marks.contains(mark_of(rule), autoescape=True) for rule in self.warning)
            asked.append(or_(*held))
        return and_(*asked)

    def order(self, accounts: Sequence[One]) -> list[One]:
        """Accounts in the order asked for, from those in ranking order."""
        if self.sort == "rank":
            return list(accounts)
        if self.sort == "open":
            return sorted(accounts, key=_stand)
        name, falling = self.sort.lstrip("-"), self.sort.startswith("-")
        ordered = sorted(accounts, key=lambda account: account.account_id)
        known = [account for account in ordered if getattr(account, name) is not None]
        known.sort(key=lambda account: getattr(account, name), reverse=falling)
        return known + [account for account in ordered if getattr(account, name) is None]

    def order_by(
        self, table: FromClause, collation: str | None
    ) -> list[ColumnElement[Any]]:  # Any: of any type
        """The same for SQL.

        Parameters
        ----------
        table : FromClause
            `ACCOUNT_SCORE`.
        collation : str or None
            Under which the database compares texts by code point; None when it always does.
        """
        if self.sort == "rank":
            return [table.c.rank]
        if self.sort == "open":
            state = table.c.state
            place = case((state.in_(OPEN), 0), (state == ENDED, 1), else_=2)
            has_none = table.c.loss_probability.is_(None)
            stake = case((has_none, func.coalesce(table.c.arr, UNKNOWN_ARR)), else_=0)
            return [place, has_none, stake.desc(), table.c.rank]
        account_id = table.c.account_id
        ties = account_id.collate(collation) if collation else account_id
        column = table.c[self.sort.lstrip("-")]
        falling = self.sort.startswith("-")
        if column is account_id:
            return [ties.desc() if falling else ties]
        if collation and column.name in TEXTS:
            return [column.is_(None), _directed(column.collate(collation), falling), ties]
        return [column.is_(None), _directed(column, falling), ties]


def _stand(account: Outline) -> tuple[int, bool, float]:
    """Where an account stands: what can still be won first, what has no chance by its ARR."""
    place = 0 if account.state in OPEN else 1 if account.state == ENDED else 2
    if account.loss_probability is not None:
        return place, False, 0.0
    return place, True, -(UNKNOWN_ARR if account.arr is None else account.arr)


def _directed(column: ColumnElement[Any], falling: bool) -> ColumnElement[Any]:  # Any: of any type
    return column.desc() if falling else column
