"""What a forecast says of a quarter: money and rates of retention, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.forecast import Flows
from models.table import FloatArray

LEVELS = (80, 95)
# Shares that no renewal can bring above 1.
CAPPED = frozenset({"grr", "grr_of_opening"})
# Every measure of a quarter, in words; the names are those of the JSON.
MEASURES: Mapping[str, str] = {
    "arr_up_for_renewal": "ARR at the quarter's begin of the contracts whose agreed end lies in it",
    "renewed_arr": "what of that goes on, expansion left out",
    "lost_arr": "what of that is lost",
    "contraction_arr": "what those that go on pay less",
    "expansion_arr": "what those that go on pay more",
    "grr": "(up for renewal - lost - contraction) / up for renewal; at most 1",
    "nrr": "(up for renewal - lost - contraction + expansion) / up for renewal",
    "opening_arr": "ARR of all contracts of the forecast at the quarter's begin",
    "grr_of_opening": "(opening - lost - contraction) / opening; at most 1",
    "nrr_of_opening": "(opening - lost - contraction + expansion) / opening",
}


@dataclass(frozen=True)
class Outlook:
    """A measure: expected value, and intervals by level in per cent; NaN: there is none."""

    expected: float
    intervals: Mapping[int, tuple[float, float]]

    def widened(self, factor: float, *, most: float) -> Outlook:
        """The same with intervals so many times as wide, within 0 and ``most``."""
        middle = self.expected
        ends = {
            level: (
                max(0.0, middle - factor * (middle - low)),
                min(most, middle + factor * (high - middle)),
            )
            for level, (low, high) in self.intervals.items()
        }
        return Outlook(middle, ends)

    def to_json(self) -> dict[str, float | None]:
        """The expected value and the ends of the intervals; null where there is none."""
        found: dict[str, float | None] = {"expected": _known(self.expected)}
        for level, (low, high) in self.intervals.items():
            found |= {f"low_{level}": _known(low), f"high_{level}": _known(high)}
        return found


def measure(flows: Flows) -> dict[str, FloatArray]:
    """Each measure by draw and quarter, (draws, quarters); NaN where nothing is up."""
    lost = flows.up - flows.kept - flows.contraction
    # Differences of equal sums may miss 0 by rounding.
    lost = np.where(np.abs(lost) <= 1e-9 * np.maximum(flows.up, 1.0), 0.0, lost)
    kept = flows.opening - lost - flows.contraction
    return {
        "arr_up_for_renewal": flows.up,
        "renewed_arr": flows.kept,
        "lost_arr": lost,
        "contraction_arr": flows.contraction,
        "expansion_arr": flows.expansion,
        "grr": _ratio(flows.kept, flows.up),
        "nrr": _ratio(flows.kept + flows.expansion, flows.up),
        "opening_arr": flows.opening,
        "grr_of_opening": _ratio(kept, flows.opening),
        "nrr_of_opening": _ratio(kept + flows.expansion, flows.opening),
    }


def look_ahead(draws: FloatArray) -> Outlook:
    """Mean and intervals of draws, (draws,); NaN where none says anything."""
    finite = draws[np.isfinite(draws)]
    if not len(finite):
        return Outlook(float("nan"), {level: (float("nan"), float("nan")) for level in LEVELS})
    tails = {level: (1 - level / 100) / 2 for level in LEVELS}
    return Outlook(
        float(finite.mean()),
        {
            level: (float(np.quantile(finite, tail)), float(np.quantile(finite, 1 - tail)))
            for level, tail in tails.items()
        },
    )


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None
