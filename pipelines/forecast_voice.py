"""What a renewal model says in a forecast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class ModelVoice:
    """Loss probabilities by date and contract, or why there are none.

    Parameters
    ----------
    loss : mapping of date to mapping of contract id to probability
        A date on which no model could be had is not there.
    speaks : bool
        Whether a promoted model speaks of today's contracts.
    reason : str
        One sentence for people.
    """

    loss: Mapping[date, Mapping[str, float]]
    speaks: bool
    reason: str
