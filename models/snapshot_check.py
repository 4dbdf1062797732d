"""What must hold of a snapshot before it may be published."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator

from features.errors import InputError, InvariantError, Problem
from models.account_score import ABSTENTIONS, BASES, STATES, STATES_AT_RISK, TIERS, AccountScore
from models.snapshot import Snapshot

ID_LENGTH = 512  # longer keys do not fit an index page of PostgreSQL in every encoding
TEXTS = (
    "account_id",
    "external_id",
    "name",
    "parent_id",
    "segment",
    "account_tier",
    "region",
    "owner",
    "currency",
    "contract_id",
)
PROBABILITIES = ("churn_probability", "renewal_likelihood", "loss_probability")
SHARES = (*PROBABILITIES, "rescored_probability", "loss_probability_low", "loss_probability_high")
MONEY = ("arr", "arr_under_notice", "arr_to_decide", "arr_at_risk")
NUMBERS = (*SHARES, *MONEY, "base_log_odds", "health_score", "north_star", "north_star_change")
MOST = {**dict.fromkeys(SHARES, 1), "health_score": 100}  # of what goes from 0 up to it
EXAMPLES = 3


def validate_snapshot(snapshot: Snapshot) -> None:
    """Raise when a snapshot cannot be stored as it is or contradicts itself.

    Parameters
    ----------
    snapshot : Snapshot
        About to be published.

    Raises
    ------
    InputError
        Texts that come from the user's tables and that no database keeps: NUL characters, half
        surrogates, ids that are empty or longer than 512 characters.
    InvariantError
        Numbers that are not finite, shares outside 0-1, ids that occur twice, unknown states:
        faults of the score run.
    """
    broken = sorted(set(_contradictions(snapshot)))
    if broken:
        more = f" and {len(broken) - EXAMPLES} more" if len(broken) > EXAMPLES else ""
        raise InvariantError(f"snapshot not published: {'; '.join(broken[:EXAMPLES])}{more}")
    problems = list(_unstorable(snapshot))
    if problems:
        raise InputError(problems)


def _contradictions(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.created_at.tzinfo is None:
        yield "created_at has no time zone"
    counted = Counter(score.account_id for score in snapshot.scores)
    yield from (f"account {name} occurs {n} times" for name, n in counted.items() if n > 1)
    for score in snapshot.scores:
        yield from (f"account {score.account_id}: {fault}" for fault in _faults(score))


def _faults(score: AccountScore) -> Iterator[str]:
    if score.state not in STATES:
        yield f"unknown state {score.state!r}"
    if score.basis not in (None, *BASES):
        yield f"unknown basis {score.basis!r}"
    if score.risk_tier not in (None, *TIERS):
        yield f"unknown risk tier {score.risk_tier!r}"
    if score.arr_at_risk is not None and score.state not in STATES_AT_RISK:
        yield f"state {score.state} carries ARR at risk"
    yield from _doubtful(score)
    yield from _wrong_numbers(score)
    logs = [driver.contribution for driver in score.drivers]
    logs += [*score.contributions.values(), *score.rescored_contributions.values()]
    for driver in score.drivers:
        beside = (driver.value, driver.previous, driver.peer_low, driver.peer_high, driver.points)
        logs += [number for number in beside if isinstance(number, float)]
    if not all(map(math.isfinite, logs)):
        yield "a driver or contribution is not finite"


def _wrong_numbers(score: AccountScore) -> Iterator[str]:
    for name in NUMBERS:
        number, most = getattr(score, name), MOST.get(name)
        if number is not None and not math.isfinite(number):
            yield f"{name} is {number}"
        elif number is not None and most is not None and not 0 <= number <= most:
            yield f"{name} is {number}, outside 0-{most}"


def _doubtful(score: AccountScore) -> Iterator[str]:
    """What is wrong with what the score says about its own certainty."""
    if score.abstained not in (None, *ABSTENTIONS):
        yield f"unknown abstention {score.abstained!r}"
    given = [
        name for name in (*SHARES, "risk_tier", "arr_at_risk") if getattr(score, name) is not None
    ]
    if score.abstained is not None and given:
        yield f"abstained, but has {given[0]}"
    low, loss, high = (
        score.loss_probability_low,
        score.loss_probability,
        score.loss_probability_high,
    )
    if (low is None) != (high is None):
        yield "one end of the interval is missing"
    elif low is not None and high is not None and (loss is None or not low <= loss <= high):
        yield f"loss_probability is {loss}, outside its interval {low}-{high}"


def _unstorable(snapshot: Snapshot) -> Iterator[Problem]:
    scores = snapshot.scores
    for column in TEXTS:
        table = "contracts" if column == "contract_id" else "accounts"
        ids = [score.account_id for score in scores if not is_storable(getattr(score, column))]
        rule = "must be text without NUL characters or half surrogates"
        yield from _problem(table, column, rule, "mend it in the query", ids)
    ids = [score.account_id for score in scores if not 1 <= len(score.account_id) <= ID_LENGTH]
    rule = f"must have 1 to {ID_LENGTH} characters"
    yield from _problem("accounts", "account_id", rule, "use a shorter id", ids)


def _problem(table: str, column: str, rule: str, remedy: str, ids: list[str]) -> Iterator[Problem]:
    if ids:
        shown = tuple(json.dumps(name[:40])[1:-1] for name in ids[:EXAMPLES])
        yield Problem(table, column, rule, rows=len(ids), examples=shown, remedy=remedy)


def is_storable(text: str | None) -> bool:
    """Whether every database keeps a text as it is: no NUL characters, no half surrogates."""
    if text is None or text.isascii():
        return text is None or "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)
