"""Where a model that is good overall is not, to be said beside its verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from models.bootstrap import Estimate
from models.judgement import Judgement
from models.skill import Skill
from models.weak_slice import CHANCE, SLOPES

MOST_NAMED = 5


def find_weaknesses(judgement: Judgement) -> tuple[str, ...]:
    """At most three sentences: slices at chance, slices whose probabilities are off, and the money.

    Only slices that are judged at all count (see `Skill.note`), and none of a model that is no
    better than chance overall: of that one nothing holds anywhere. Many slices are looked at, so
    each sentence says how many: some would stand there by chance.

    Parameters
    ----------
    judgement : Judgement

    Returns
    -------
    tuple of str
        Each names at most five slices, those with the most rows first, and counts the others.
    """
    if not judgement.skill.auc.low > CHANCE:
        return ()
    judged = list(_judged(judgement))
    low, high = SLOPES
    return (
        *_sentence("not shown to be better than chance within", "AUC", judged, _auc, _at_chance),
        *_sentence(
            f"calibration slope outside {low} to {high} beyond noise within",
            "slope",
            judged,
            _slope,
            _is_off,
        ),
        *_money(judgement.skill.arr_ratio),
    )


def _money(ratio: Estimate) -> tuple[str, ...]:
    """Whether the expected loss runs low or high beyond noise."""
    if not (ratio.low > 1.0 or ratio.high < 1.0):
        return ()
    word = "low" if ratio.low > 1.0 else "high"
    said = f"{ratio.value:.2f} times as much ({ratio.low:.2f} to {ratio.high:.2f})"
    return (f"its expected loss runs {word}: the ARR that was lost is {said}",)


def _judged(judgement: Judgement) -> Iterator[tuple[str, Skill]]:
    """Every slice that is judged, by the name that people read."""
    for column, values in judgement.slices.items():
        words = column.removesuffix("_band").replace("_", " ")
        for value, skill in values.items():
            if skill.note is None:
                yield f"{words} {value}", skill


def _auc(skill: Skill) -> Estimate:
    return skill.auc


def _slope(skill: Skill) -> Estimate:
    return skill.calibration_slope


def _at_chance(auc: Estimate) -> bool:
    return auc.low <= CHANCE  # an unknown interval is no finding


def _is_off(slope: Estimate) -> bool:
    return slope.high < SLOPES[0] or slope.low > SLOPES[1]


def _sentence(
    begin: str,
    figure: str,
    judged: Sequence[tuple[str, Skill]],
    pick: Callable[[Skill], Estimate],
    is_weak: Callable[[Estimate], bool],
) -> tuple[str, ...]:
    """One sentence about the weak ones among the judged slices, or none."""
    weak = [(name, skill) for name, skill in judged if is_weak(pick(skill))]
    if not weak:
        return ()
    weak.sort(key=lambda found: -found[1].rows)
    named = "; ".join(_spell(name, figure, pick(s), s.rows) for name, s in weak[:MOST_NAMED])
    left = len(weak) - MOST_NAMED
    more = f"; and {left} smaller" if left > 0 else ""
    return (f"{begin} {len(weak)} of {len(judged)} slices judged: {named}{more}",)


def _spell(name: str, figure: str, found: Estimate, rows: int) -> str:
    """One slice with its figure and how much it rests on."""
    return (
        f"{name} ({figure} {found.value:.2f}, {found.low:.2f} to {found.high:.2f}, {rows:,} rows)"
    )
