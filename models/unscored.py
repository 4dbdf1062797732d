"""Accounts that a snapshot gives no probability, and why."""

from __future__ import annotations

from typing import Literal, Protocol, get_args

from sqlalchemy import ColumnElement, FromClause, and_, or_

from models.account_score import STATES_AT_RISK, Abstention, State

# `no_model`: no promoted model has a row for the account.
UnscoredReason = Literal[Abstention, "no_model"]
UNSCORED_REASONS: tuple[UnscoredReason, ...] = (*get_args(Abstention), "no_model")


class Scorable(Protocol):
    """What tells whether an account was scored; as in `AccountScore`."""

    @property
    def state(self) -> State: ...  # noqa: D102
    @property
    def loss_probability(self) -> float | None: ...  # noqa: D102
    @property
    def abstained(self) -> Abstention | None: ...  # noqa: D102


def reason_unscored(account: Scorable) -> UnscoredReason | None:
    """Why an account has no probability; None where it has one, or nothing is left to decide."""
    if account.loss_probability is not None:
        return None
    if account.abstained is not None:
        return account.abstained
    return "no_model" if account.state in STATES_AT_RISK else None


def is_unscored(table: FromClause) -> ColumnElement[bool]:
    """That there is such a reason, as a condition on the rows of `ACCOUNT_SCORE`."""
    could_be = or_(table.c.abstained.is_not(None), table.c.state.in_(sorted(STATES_AT_RISK)))
    return and_(table.c.loss_probability.is_(None), could_be)
