"""How a contract of the demo ends: one draw at each decision.

The chance of a loss comes from the causes that are active on the day of the decision; a long
term may besides be broken off, or replaced by a larger one, whatever the causes.
"""

from __future__ import annotations

import math
from random import Random

from pipelines.demo.cause import (
    CAUSES,
    LOW_FIT_WEIGHT,
    PRICE_RISE_WEIGHT,
    WEIGHT_OF_STATE,
    StateArray,
)
from pipelines.demo.contract import Term
from pipelines.demo.period import DATA_END, DATA_START, add_months, early_in_month

END_EARLY = 0.02 / 365  # chance a day that a long term is broken off, whatever the causes
UPGRADE = 0.08 / 365  # chance a day that a long term is replaced by a larger one
EVERGREEN_NOTICE = 30  # days


def settle(term: Term, states: StateArray, chance: Random) -> None:
    """Decide how the term ends, as far as that is decided before the data end.

    Parameters
    ----------
    term : Term
        Gets its price rise, its loss, notice and early end.
    states : uint8, (DATA_END + 1,)
        State of the account on each day.
    chance : random.Random
        Source of chance.
    """
    if term.kind == "evergreen":
        return _settle_evergreen(term, states, chance)
    assert term.decided_at is not None
    assert term.end_date is not None
    term.rise = chance.random() < term.rise_chance
    ahead = (15, 28) if term.kind == "monthly" else (30, 130)
    term.announced_at = max(term.start_date, term.decided_at - chance.randint(*ahead))
    if term.interruptible and _interrupted(term, chance):
        return None
    if DATA_START <= term.decided_at < DATA_END and _leaves(
        term, int(states[term.decided_at]), chance
    ):
        term.lost_on = term.end_date
        if term.decided_early or (term.notice_days and term.auto_renew):
            term.notice_given_at = term.decided_at
        elif term.notice_days and chance.random() < 0.4:
            term.notice_given_at = chance.randint(term.decided_at, term.end_date - 1)
    return None


def _settle_evergreen(term: Term, states: StateArray, chance: Random) -> None:
    day = add_months(term.start_date, 1)
    while day < DATA_END:
        if day >= DATA_START and _leaves(term, int(states[day]), chance):
            term.decided_at = term.notice_given_at = day
            term.terminated_at = term.lost_on = day + EVERGREEN_NOTICE
            return
        day = add_months(day, 1)


def _interrupted(term: Term, chance: Random) -> bool:
    """Whether the term stops before its decision: broken off, or replaced by a larger one."""
    assert term.decided_at is not None
    days = math.ceil(math.log(1 - chance.random()) / math.log(1 - END_EARLY - UPGRADE))
    day = early_in_month(term.start_date + days)
    broken = chance.random() < END_EARLY / (END_EARLY + UPGRADE)
    if not term.start_date < day < min(term.decided_at, DATA_END):
        return False
    if broken and day < DATA_START:
        return False
    term.terminated_at = day
    if broken:
        term.lost_on, term.decision_cause = day, "chance"
    return True


def _leaves(term: Term, state: int, chance: Random) -> bool:
    """One draw; also names the strongest active cause when the account leaves."""
    odds = term.base + float(WEIGHT_OF_STATE[state]) + PRICE_RISE_WEIGHT * term.rise
    if chance.random() >= 1 / (1 + math.exp(-odds)):
        return False
    weights = {c.name: c.weight for bit, c in enumerate(CAUSES) if state >> bit & 1}
    weights |= {"low_fit": LOW_FIT_WEIGHT} if term.low_fit else {}
    weights |= {"price_rise": PRICE_RISE_WEIGHT} if term.rise else {}
    strongest = max(weights, key=weights.__getitem__, default="chance")
    term.decision_cause = strongest if weights.get(strongest, 0) > 0 else "chance"
    return True
