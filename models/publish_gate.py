"""What must hold of a new snapshot beside the served one before it takes its place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from features.errors import Problem
from models.account_score import STATES_AT_RISK
from models.settings import PublishSettings
from models.snapshot_diff import Trace

LEAST_SCORED = 20  # fewer probabilities have no mean that means anything
EXAMPLES = 3
REMEDY = "look for what is missing or changed in the tables; if it is right, give --force"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A new snapshot beside the served one.

    Parameters
    ----------
    served, accounts : int
        Accounts of the served one, and of the new one.
    missing : tuple of str
        Ids of the served accounts that the new one lacks, sorted.
    scored : int
        Accounts with a probability in the served one whose state could have one in the new one.
    withheld : tuple of str
        Ids of those of them that have none there, sorted.
    paired : int
        Accounts with a probability in both.
    mean_before, mean_after : float
        Mean loss probability of these, share 0-1; NaN when there are none.
    """

    served: int
    accounts: int
    missing: tuple[str, ...]
    scored: int
    withheld: tuple[str, ...]
    paired: int
    mean_before: float
    mean_after: float


def compare_with_served(served: Sequence[Trace], new: Sequence[Trace]) -> Comparison:
    """The figures by which the gates judge.

    Parameters
    ----------
    served, new : sequence of Trace
        All accounts of the served snapshot, and of the new one.
    """
    after = {trace.account_id: trace for trace in new}
    pairs = [(before, after[before.account_id]) for before in served if before.account_id in after]
    open_pairs = [
        (before, now)
        for before, now in pairs
        if before.loss_probability is not None and now.state in STATES_AT_RISK
    ]
    losses = [
        (before.loss_probability, now.loss_probability)
        for before, now in pairs
        if before.loss_probability is not None and now.loss_probability is not None
    ]
    return Comparison(
        served=len(served),
        accounts=len(new),
        missing=tuple(sorted(one.account_id for one in served if one.account_id not in after)),
        scored=len(open_pairs),
        withheld=tuple(
            sorted(now.account_id for _, now in open_pairs if now.loss_probability is None)
        ),
        paired=len(losses),
        mean_before=_mean([before for before, _ in losses]),
        mean_after=_mean([now for _, now in losses]),
    )


def judge_publish(found: Comparison, rules: PublishSettings) -> list[Problem]:
    """Every reason not to publish, with its figures and the key that sets the limit.

    A count closes its gate only by more than `allowed_accounts` accounts, so that a small company
    is not stopped by one that leaves; an empty snapshot after one that was not never passes.

    Parameters
    ----------
    found : Comparison
    rules : PublishSettings
    """
    problems = [_fewer(found, rules), _more(found, rules)]
    problems.append(
        _too_many(
            "max_missing",
            found.missing,
            found.served,
            rules.max_missing,
            rules,
            "of the {of:,} served accounts, {n:,} are missing ({share:.1%}), more than {limit:.1%}",
        )
    )
    problems.append(
        _too_many(
            "max_withheld",
            found.withheld,
            found.scored,
            rules.max_withheld,
            rules,
            "of {of:,} accounts that had a probability and are still to decide, {n:,} have none "
            "now ({share:.1%}), more than {limit:.1%}",
        )
    )
    problems.append(_shift(found, rules))
    return [problem for problem in problems if problem is not None]


def _fewer(found: Comparison, rules: PublishSettings) -> Problem | None:
    lost = found.served - found.accounts
    emptied = found.served > 0 and found.accounts == 0
    if not emptied and lost <= max(rules.max_fewer * found.served, rules.allowed_accounts):
        return None
    share = lost / found.served
    rule = (
        f"{found.accounts:,} accounts after {found.served:,} are {share:.1%} fewer, more than "
        f"{rules.max_fewer:.1%}"
    )
    return _problem("max_fewer", rule)


def _more(found: Comparison, rules: PublishSettings) -> Problem | None:
    gained = found.accounts - found.served
    if not found.served or gained <= max(rules.max_more * found.served, rules.allowed_accounts):
        return None
    rule = (
        f"{found.accounts:,} accounts after {found.served:,} are {gained / found.served:.1%} more, "
        f"more than {rules.max_more:.1%}"
    )
    return _problem("max_more", rule)


def _too_many(
    key: str, ids: tuple[str, ...], of: int, limit: float, rules: PublishSettings, rule: str
) -> Problem | None:
    if len(ids) <= max(limit * of, rules.allowed_accounts):
        return None
    text = rule.format(n=len(ids), of=of, share=len(ids) / of, limit=limit)
    return _problem(key, text, ids[:EXAMPLES])


def _shift(found: Comparison, rules: PublishSettings) -> Problem | None:
    if found.paired < LEAST_SCORED:
        return None
    shift = found.mean_after - found.mean_before
    if abs(shift) <= rules.max_mean_shift:
        return None
    rule = (
        f"the mean loss probability of {found.paired:,} accounts went from "
        f"{found.mean_before:.3f} to {found.mean_after:.3f}, by more than "
        f"{rules.max_mean_shift:g}"
    )
    return _problem("max_mean_shift", rule)


def _problem(key: str, rule: str, examples: tuple[str, ...] = ()) -> Problem:
    return Problem("publish", key, rule, examples=examples, remedy=REMEDY)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
