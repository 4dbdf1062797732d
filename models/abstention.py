"""When no probability is given: stated rules, the same for rows that judge and for accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.settings import AbstentionSettings
from models.account_score import Abstention
from models.refit import Interval
from models.table import BoolArray, FloatArray

Reasons = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Rule:
    """One reason to give no probability.

    Parameters
    ----------
    name : str
        As the snapshot, the API and the report have it.
    sentence : str
        What it says, with ``{min_history_days}`` or ``{max_width}`` for the limit.
    applies : callable
        From tenure in days, (n,), interval and settings to bool, (n,). What is not known never
        applies: it is no proof of being young or vague.
    """

    name: Abstention
    sentence: str
    applies: Callable[[FloatArray, Interval, AbstentionSettings], BoolArray]

    def describe(self, settings: AbstentionSettings) -> str:
        """The sentence with its limit."""
        return self.sentence.format(**settings.model_dump())


RULES: tuple[Rule, ...] = (
    Rule(
        "too_little_history",
        "a customer for less than {min_history_days} days",
        lambda tenure, _interval, settings: tenure < settings.min_history_days,
    ),
    Rule(
        "interval_too_wide",
        "the interval of the probability is wider than {max_width:g}",
        lambda _tenure, interval, settings: interval.width > settings.max_width,
    ),
)


def find_abstentions(
    tenure_days: FloatArray, interval: Interval, *, settings: AbstentionSettings
) -> Reasons:
    """The first rule that withholds each row's probability, or None where it is given.

    Parameters
    ----------
    tenure_days : float, (n,)
        Days since the account first became a customer; NaN when unknown.
    interval : Interval
        Of the same rows; NaN when there is none.
    settings : AbstentionSettings
        Limits of the rules.

    Returns
    -------
    object, (n,)
        A rule's name or None.
    """
    reasons: Reasons = np.full(len(tenure_days), None, dtype=np.object_)
    for rule in reversed(RULES):
        reasons[rule.applies(tenure_days, interval, settings)] = rule.name
    return reasons
