"""The decision whether a model is fit to be used, and the sentences that explain it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.bootstrap import Estimate
from models.weak_slice import CHANCE, SLOPES

NULL = "no better than"
TOO_GOOD = 0.99
LEAST_POSITIVES = 100  # with fewer nobody can tell whether the slope is off
# Baselines that a model must beat beyond noise, in words; the base rate ranks nothing, so
# beating it is beating chance. ``RIVALS`` must only not be better.
BARS = {
    "tenure": "tenure alone",
    "days_to_renewal": "days to renewal alone",
    "days_to_renewal_with_trend": "days to renewal with the usage trend",
}
RIVALS = {"logistic_regression": "logistic regression", "health_score": "the health score"}


@dataclass(frozen=True)
class Decision:
    """The gate's answer.

    Parameters
    ----------
    verdict : str
        One phrase, shown first.
    promoted : bool
        Whether the model may be used.
    reasons : tuple of str
        A sentence for each thing that was looked at.
    """

    verdict: str
    promoted: bool
    reasons: tuple[str, ...]

    @property
    def is_null(self) -> bool:
        """Whether nothing was found that others do not know without the model."""
        return self.verdict.startswith(NULL)

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            "verdict": self.verdict,
            "promoted": self.promoted,
            "reasons": list(self.reasons),
        }


def decide(
    auc: Estimate,
    differences: Mapping[str, Estimate],
    *,
    ranks: bool,
    slope: Estimate | None = None,
    positives: int = 0,
) -> Decision:
    """Whether the model beats chance and the baselines beyond noise.

    Parameters
    ----------
    auc : Estimate
        Of the model on the test rows.
    differences : mapping of str to Estimate
        The model's AUC minus each baseline's, paired; a key of ``BARS`` or ``RIVALS`` that is not
        there could not be computed for this company.
    ranks : bool
        Whether the calibration's slope is above 0.
    slope : Estimate, optional
        Of the calibration on the test rows.
    positives : int
        Positive test rows; with fewer than 100 the slope is not held against the model.
    """
    bars = {name: words for name, words in BARS.items() if name in differences}
    beats_chance = auc.low > CHANCE
    not_beaten = [words for name, words in bars.items() if not differences[name].low > 0.0]
    reasons = [_chance_reason(auc, beats_chance=beats_chance)]
    if not ranks:
        reasons.append("a higher output does not mean a higher probability on accounts left out")
    reasons += [_bar_reason(words, differences[name]) for name, words in bars.items()]
    rivals = {words: differences[name] for name, words in RIVALS.items() if name in differences}
    reasons += _notes(auc, rivals)
    if beats_chance and not_beaten:
        return Decision(f"{NULL} {' and '.join(not_beaten)}", False, tuple(reasons))
    if not (beats_chance and ranks):
        return Decision(f"{NULL} chance", False, tuple(reasons))
    for words, difference in rivals.items():
        if difference.high < 0.0:
            return Decision(f"worse than {words}", False, tuple(reasons))
    if slope is not None and positives >= LEAST_POSITIVES and _is_off(slope):
        allowed = f"{SLOPES[0]} to {SLOPES[1]}"
        reasons.append(f"calibration slope {spell(slope)}: the interval lies outside {allowed}")
        return Decision("its probabilities are off", False, tuple(reasons))
    beaten = "better than chance and than the baselines" if bars else "better than chance"
    return Decision(beaten, True, tuple(reasons))


def _is_off(slope: Estimate) -> bool:
    return slope.high < SLOPES[0] or slope.low > SLOPES[1]


def _chance_reason(auc: Estimate, *, beats_chance: bool) -> str:
    word = "above" if beats_chance else "not above"
    return f"AUC {spell(auc)}: the interval's lower end is {word} {CHANCE}"


def _bar_reason(words: str, difference: Estimate) -> str:
    word = "better than" if difference.low > 0.0 else "not better beyond noise than"
    return f"{word} {words}: AUC differs by {spell(difference, sign='+')}"


def _notes(auc: Estimate, rivals: Mapping[str, Estimate]) -> list[str]:
    notes = []
    for words, difference in rivals.items():
        if not difference.low > 0.0:
            word = "better" if difference.high < 0.0 else "as good"
            notes.append(f"{words} is {word}: AUC differs by {spell(difference, sign='+')}")
    if auc.value > TOO_GOOD:
        notes.append(
            f"an AUC above {TOO_GOOD} is a bug until proved otherwise: look for a feature that "
            "holds the answer"
        )
    return notes


def spell(found: Estimate, *, sign: str = "") -> str:
    """A figure with its interval, for people; ``sign="+"`` shows the sign."""
    if not found.low <= found.high:  # also when either is NaN
        return "unknown"
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"
