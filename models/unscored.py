"""Accounts that a snapshot gives no probability, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from models.account_score import STATES_AT_RISK, Abstention, AccountScore

# `no_model`: no promoted model has a row for the account.
UnscoredReason = Literal[Abstention, "no_model"]
UNSCORED_REASONS: tuple[UnscoredReason, ...] = (*get_args(Abstention), "no_model")


@dataclass(frozen=True, slots=True)
class Unscored:
    """Accounts without a probability for one reason.

    Parameters
    ----------
    reason : str
        One of `UNSCORED_REASONS`.
    accounts : tuple of str
        Their ids, in the order given.
    arr : float or None
        Of those whose ARR is known; None where none is.
    """

    reason: UnscoredReason
    accounts: tuple[str, ...]
    arr: float | None


def reason_unscored(score: AccountScore) -> UnscoredReason | None:
    """Why an account has no probability; None where it has one, or nothing is left to decide."""
    if score.loss_probability is not None:
        return None
    if score.abstained is not None:
        return score.abstained
    return "no_model" if score.state in STATES_AT_RISK else None


def find_unscored(scores: Iterable[AccountScore]) -> list[Unscored]:
    """The reasons that occur, each with its accounts; the most frequent first."""
    by_reason: dict[UnscoredReason, list[AccountScore]] = {}
    for score in scores:
        reason = reason_unscored(score)
        if reason is not None:
            by_reason.setdefault(reason, []).append(score)
    found = []
    for reason, group in by_reason.items():
        known = [score.arr for score in group if score.arr is not None]
        ids = tuple(score.account_id for score in group)
        found.append(Unscored(reason, ids, math.fsum(known) if known else None))
    return sorted(found, key=lambda one: (-len(one.accounts), one.reason))
