"""Judging rows: the figures overall, beside the baselines, and by slice."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.baseline import ORDERS
from models.bootstrap import Bootstrap, Estimate, draw_groups
from models.figure import both
from models.ranking import Ranked, order_rows, rank_auc, rank_average_precision
from models.scored import ScoredRows, join_rows
from models.served_top import ServedTop, judge_served_top, served_score
from models.settings import ModelSettings
from models.skill import Skill, judge_rows
from models.top import CAPACITY

LEAD_BAND = "lead_band"
MISSING = "unknown"


@dataclass(frozen=True)
class Comparison:
    """A baseline on the same rows.

    Parameters
    ----------
    auc, average_precision : Estimate
    difference : Estimate
        The model's AUC minus its own, paired.
    order : str, optional
        Which of ``models.baseline.ORDERS`` was the strongest, where it was tried in several.
    """

    auc: Estimate
    average_precision: Estimate
    difference: Estimate
    order: str | None = None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json``."""
        return {
            **both("auc", self.auc),
            **both("average_precision", self.average_precision),
            **both("difference", self.difference),
            "order": self.order,
        }


@dataclass(frozen=True)
class Judgement:
    """What some rows say of a model.

    Parameters
    ----------
    skill : Skill
        On all rows.
    baselines : mapping of str to Comparison
    slices : mapping of column to mapping of value to Skill
        Numbers first and rising, ``unknown`` for a missing value last; counts alone where a slice
        has fewer than 100 rows or one class only.
    served : ServedTop or None
        The top of the ranking as people get it; None where nobody said what is overdue.
    """

    skill: Skill
    baselines: Mapping[str, Comparison]
    slices: Mapping[str, Mapping[str, Skill]]
    served: ServedTop | None = None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell run --json`` and ``backtest --json``."""
        return {
            **self.skill.to_json(),
            "baselines": {name: found.to_json() for name, found in self.baselines.items()},
            "slices": {
                column: {value: _slice_json(skill) for value, skill in values.items()}
                for column, values in self.slices.items()
            },
            "as_served": None if self.served is None else self.served.to_json(),
        }


def judge(
    scored: ScoredRows,
    settings: ModelSettings,
    *,
    beside: ScoredRows | None = None,
    by_slice: bool = True,
) -> Judgement:
    """All figures of the rows, with intervals by bootstrap over parents.

    Parameters
    ----------
    scored : ScoredRows
        At least one row.
    settings : ModelSettings
        Replicates and seed, capacity and costs.
    beside : ScoredRows, optional
        Rows of the same dates that are not in the headline, since they are overdue; may be empty.
        They are shown as lead bands and among the top as it is served, and touch no other figure.
    by_slice : bool
        Whether to judge the slices too.
    """
    draws = draw_rows(scored, settings)
    auc = rank_auc(scored.label, scored.raw, scored.stratum, draws)
    slices = {
        name: _slices(scored, draws, name, settings)
        for name in (scored.slice_columns if by_slice else ())
    }
    if LEAD_BAND in slices and beside is not None and len(beside):
        slices[LEAD_BAND] |= _slices(beside, draw_rows(beside, settings), LEAD_BAND, settings)
    return Judgement(
        skill=judge_rows(scored, draws, settings, auc=auc),
        baselines={name: _compare(auc, scored, name, draws) for name in scored.baselines},
        slices={name: _in_order(found) for name, found in slices.items()},
        served=_judge_served(scored, beside, settings) if beside is not None else None,
    )


def draw_rows(scored: ScoredRows, settings: ModelSettings) -> Bootstrap:
    """The bootstrap over the rows' parents that every figure of them shares."""
    training = settings.training
    return draw_groups(
        scored.group,
        replicates=training.replicates,
        seed=training.seed,
        share=scored.independent_share,
    )


def _judge_served(scored: ScoredRows, beside: ScoredRows, settings: ModelSettings) -> ServedTop:
    """The top of the ranking as people get it, with the overdue rows of the same dates."""
    everyone = join_rows([scored, beside])
    return judge_served_top(
        everyone.label,
        ~everyone.rows["headline"].to_numpy(dtype=np.bool_),
        everyone.arr,
        order_rows(served_score(everyone.probability, everyone.arr), everyone.as_of),
        draw_rows(everyone, settings),
        capacity=settings.team.capacity,
    )


def _compare(model: Ranked, scored: ScoredRows, name: str, draws: Bootstrap) -> Comparison:
    score = scored.baselines[name].reshape(len(scored), -1)
    tried = [rank_auc(scored.label, order, scored.stratum, draws) for order in score.T]
    best = int(np.argmax([auc.estimate.value for auc in tried]))
    precision = rank_average_precision(scored.label, score[:, best], draws)
    order = ORDERS[best] if len(tried) > 1 else None
    return Comparison(tried[best].estimate, precision.estimate, model.minus(tried[best]), order)


def _slices(
    scored: ScoredRows, draws: Bootstrap, column: str, settings: ModelSettings
) -> dict[str, Skill]:
    """The skill within each value of a column; counts alone where it cannot be told."""
    values = scored.rows[column].astype(object).where(scored.rows[column].notna(), MISSING)
    found: dict[str, Skill] = {}
    for value in values.unique():
        chosen = (values == value).to_numpy(dtype=np.bool_)
        counted = Skill(int(chosen.sum()), int(scored.label[chosen].sum()))
        if counted.note:
            found[str(value)] = counted
            continue
        skill = judge_rows(scored.part(chosen), draws.part(chosen), settings)
        # The team's capacity is for all customers: of a slice it may be everyone.
        tops = {name: top for name, top in skill.tops.items() if name != CAPACITY}
        found[str(value)] = replace(skill, tops=tops)
    return found


def _in_order(skills: dict[str, Skill]) -> dict[str, Skill]:
    return {value: skills[value] for value in sorted(skills, key=_natural)}


def _natural(value: str) -> tuple[bool, float, str]:
    """Sort key: by the first number in a value, then what has none, then what is unknown."""
    number = re.search(r"\d+(\.\d+)?", value)
    return value == MISSING, float(number.group()) if number else math.inf, value


def _slice_json(skill: Skill) -> dict[str, object]:
    return skill.to_json() | ({} if skill.note is None else {"note": skill.note})
