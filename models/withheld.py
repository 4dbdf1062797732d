"""What abstaining costs and saves: how wrong the withheld probabilities would have been."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from features.settings import AbstentionSettings
from models.abstention import RULES, Reasons, find_abstentions
from models.bootstrap import Bootstrap, Estimate, draw_groups
from models.figure import UNKNOWN, both, interval, number
from models.gate import spell
from models.metric import brier, brier_skill, log_loss
from models.ranking import rank_auc
from models.refit import LEVEL, Interval
from models.reliability import observed_share, tenths
from models.settings import TrainingSettings
from models.skill import LEAST_ROWS
from models.table import BoolArray, FloatArray, ModelTable


@dataclass(frozen=True)
class Error:
    """How wrong the probabilities of some rows are; NaN where it cannot be told.

    Parameters
    ----------
    rows, positives : int
    share : float
        Of all test rows, 0-1.
    mean_probability : float
    brier, log_loss : Estimate
        They rise with the share of positives, so rows that abstain look worse for that alone.
    brier_skill : Estimate
        One minus the Brier score over that of these rows' own share of positives, unlike the skill
        of all rows, whose reference is the share known at training: 0 says that the probabilities
        tell no more than the share does, below 0 that they mislead.
    auc : Estimate
        Within as-of dates; NaN below 100 rows or without both classes.
    """

    rows: int
    positives: int
    share: float
    mean_probability: float
    brier: Estimate
    log_loss: Estimate
    brier_skill: Estimate
    auc: Estimate

    def to_json(self) -> dict[str, object]:
        """Null where a figure is unknown."""
        return {
            "rows": self.rows,
            "share": number(self.share),
            "positives": self.positives,
            "mean_probability": number(self.mean_probability),
            **both("brier", self.brier),
            **both("brier_skill", self.brier_skill),
            **both("log_loss", self.log_loss),
            **both("auc", self.auc),
        }


@dataclass(frozen=True)
class Tenth:
    """A tenth of the answered rows: what was said, how surely, and what came to pass.

    ``low`` and ``high`` are the means of the rows' own ends.
    """

    rows: int
    mean_probability: float
    low: float
    high: float
    observed: Estimate

    @property
    def agrees(self) -> bool:
        """Whether what was said and what came to pass overlap, each with its interval."""
        return self.low <= self.observed.high and self.observed.low <= self.high

    def to_json(self) -> dict[str, object]:
        """Shares 0-1."""
        return {
            "rows": self.rows,
            "mean_probability": number(self.mean_probability),
            "mean_interval": [number(self.low), number(self.high)],
            "observed": number(self.observed.value),
            "observed_interval": interval(self.observed),
            "agrees": self.agrees,
        }


@dataclass(frozen=True)
class Withheld:
    """The test rows that would have got a probability beside those that would not.

    Parameters
    ----------
    rules : mapping of str to str
        Each rule and what it says.
    refits : int
        Behind each interval; 0: there were none, and no rule on intervals can have applied.
    answered, abstained : Error
    by_rule : mapping of str to Error
        The abstained by the first rule that applied.
    tenths : tuple of Tenth
        Of the answered rows; empty without refits. No coverage of a single row's chance, which
        nobody sees: only whether the intervals are too narrow on the whole.
    interval : Interval
        Of all test rows.
    """

    rules: Mapping[str, str]
    refits: int
    answered: Error
    abstained: Error
    by_rule: Mapping[str, Error]
    tenths: tuple[Tenth, ...]
    interval: Interval = field(compare=False, repr=False)

    @property
    def sentence(self) -> str:
        """How much is withheld by which rule, and how its error compares, for people."""
        if self.abstained.rows == 0:
            return "no test row is without a probability"
        rules = ", ".join(
            f"{found.share:.1%} {name.replace('_', ' ')} (Brier skill {_spell(found.brier_skill)})"
            for name, found in self.by_rule.items()
            if found.rows
        )
        return (
            f"no probability for {self.abstained.share:.1%} of the test rows: {rules}; "
            f"{_spell(self.answered.brier_skill)} on the others, whose AUC is "
            f"{spell(self.answered.auc)}"
        )

    def to_json(self) -> dict[str, object]:
        """What the report has under ``abstention``."""
        return {
            "rules": dict(self.rules),
            "refits": self.refits,
            "interval_level": LEVEL,
            "mean_width": number(float(self.interval.width.mean())),
            "answered": self.answered.to_json(),
            "abstained": self.abstained.to_json(),
            "by_rule": {name: found.to_json() for name, found in self.by_rule.items()},
            "tenths": [tenth.to_json() for tenth in self.tenths],
            "tenths_that_agree": sum(tenth.agrees for tenth in self.tenths)
            if self.tenths
            else None,
        }


def judge_abstention(
    test: ModelTable,
    probability: FloatArray,
    found: Interval,
    *,
    rules: AbstentionSettings,
    settings: TrainingSettings,
    refits: int,
) -> Withheld:
    """What the rules withhold on the test rows, and how wrong it would have been.

    Parameters
    ----------
    test : ModelTable
        Mature headline rows, later than all training labels.
    probability : float, (n,)
        Of the judged model.
    found : Interval
        Of the same rows, by refits of the judged model on its training rows only.
    rules : AbstentionSettings
    settings : TrainingSettings
        Replicates and seed.
    refits : int
        Behind the intervals.
    """
    tenure = test.rows["tenure_days"].to_numpy(dtype=np.float64, na_value=np.nan)
    reasons = find_abstentions(tenure, found, settings=rules)
    draws = draw_groups(test.group, replicates=settings.replicates, seed=settings.seed)
    return compare(test, probability, found, reasons, draws=draws, rules=rules, refits=refits)


def compare(
    test: ModelTable,
    probability: FloatArray,
    found: Interval,
    reasons: Reasons,
    *,
    draws: Bootstrap,
    rules: AbstentionSettings,
    refits: int,
) -> Withheld:
    """The error of the abstained beside that of the answered.

    Parameters
    ----------
    test : ModelTable
        Mature rows.
    probability : float, (n,)
        As it would have been published.
    found : Interval
        Of the same rows.
    reasons : object, (n,)
        A rule's name, or None where the probability is given.
    draws : Bootstrap
        Of the same rows.
    rules : AbstentionSettings
    refits : int
        Behind the intervals; 0: there are none.
    """
    answered = np.array([reason is None for reason in reasons], dtype=np.bool_)
    return Withheld(
        rules={rule.name: rule.describe(rules) for rule in RULES},
        refits=refits,
        answered=_error(test, probability, answered, draws),
        abstained=_error(test, probability, ~answered, draws),
        by_rule={
            rule.name: _error(test, probability, reasons == rule.name, draws) for rule in RULES
        },
        tenths=()
        if refits == 0
        else _tenths(test.label, probability, found, draws, np.flatnonzero(answered)),
        interval=found,
    )


def _error(test: ModelTable, probability: FloatArray, chosen: BoolArray, draws: Bootstrap) -> Error:
    label, said, part = test.label[chosen], probability[chosen], draws.part(chosen)
    rows, positives = len(label), int(label.sum())
    two = 0 < positives < rows
    auc = UNKNOWN
    if two and rows >= LEAST_ROWS:
        auc = rank_auc(label, said, test.rows["as_of"].to_numpy()[chosen], part).estimate
    return Error(
        rows=rows,
        positives=positives,
        share=rows / len(test) if len(test) else math.nan,
        mean_probability=float(said.mean()) if rows else math.nan,
        brier=brier(label, said, part) if rows else UNKNOWN,
        log_loss=log_loss(label, said, part) if rows else UNKNOWN,
        brier_skill=brier_skill(label, said, np.full(rows, positives / rows), part)
        if two
        else UNKNOWN,
        auc=auc,
    )


def _spell(skill: Estimate) -> str:
    return "unknown" if math.isnan(skill.value) else f"{skill.value:+.2f}"


def _tenths(
    label: FloatArray,
    probability: FloatArray,
    found: Interval,
    draws: Bootstrap,
    answered: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> tuple[Tenth, ...]:
    parts = []
    for places in tenths(probability[answered]):
        part = answered[places]
        chosen = np.zeros(len(label), dtype=np.bool_)
        chosen[part] = True
        parts.append(
            Tenth(
                rows=len(part),
                mean_probability=float(probability[part].mean()),
                low=float(found.low[part].mean()),
                high=float(found.high[part].mean()),
                observed=observed_share(label[chosen], draws.part(chosen)),
            )
        )
    return tuple(parts)
