"""What is known about one trained model, and the JSON that other programs read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from models.gate import Decision
from models.intervention import NO_INTERVENTIONS, Interventions
from models.judgement import Judgement
from models.leak import NO_LEAKS, Leaks
from models.scored import ScoredRows
from models.skill import Skill
from models.weakness import find_weaknesses

if TYPE_CHECKING:
    from models.challenge import Challenge
    from models.withheld import Withheld


@dataclass(frozen=True)
class Window:
    """As-of dates, both inclusive, with the rows and positives between them.

    Where they are not ``known``, no row says of which day it is, and none is told.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    rows: int
    positives: int
    known: bool = True

    def to_json(self) -> dict[str, object]:
        """Dates as ISO strings; null where they are not known."""
        return {
            "first_as_of": self.first.date().isoformat() if self.known else None,
            "last_as_of": self.last.date().isoformat() if self.known else None,
            "rows": self.rows,
            "positives": self.positives,
        }


def window_of(rows: pd.DataFrame) -> Window:
    """The window of mature rows, at least one."""
    return Window(rows["as_of"].min(), rows["as_of"].max(), len(rows), int(rows["label"].sum()))


@dataclass(frozen=True, eq=False)
class Report:
    """One model's test, its baselines and the decision.

    Parameters
    ----------
    model : str
        ``churn`` or ``renewal``.
    judgement : Judgement
        Of all headline rows of the test part, beside the baselines and by slice.
    train, test : Window
        What the model learnt from and what it was judged on.
    scored : ScoredRows
        The test rows.
    decision : Decision
        Verdict, whether to promote, and why.
    notices : tuple of str
        Features that were left out, and why.
    warnings : tuple of str
        What may be wrong with the rows, for people to answer; first among the notices.
    leaks : Leaks
        What holds the answer, or may.
    interventions : Interventions
        How far acting has spoiled the labels, and what it brings.
    challenge : Challenge or None
        How it did beside the champion; None when there was none.
    abstention : Withheld or None
        The test rows that would have got no probability; all other figures count them too.
    temporal : bool
        False when the rows bear no dates, so that accounts left out judge and not later rows.
    """

    model: str
    judgement: Judgement
    train: Window
    test: Window
    scored: ScoredRows
    decision: Decision
    notices: tuple[str, ...] = ()
    leaks: Leaks = NO_LEAKS
    interventions: Interventions = NO_INTERVENTIONS
    challenge: Challenge | None = None
    abstention: Withheld | None = None
    temporal: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def split(self) -> str:
        """What the rows that judge are, in words."""
        return "later in time" if self.temporal else "accounts left out, not later in time"

    @property
    def within(self) -> str:
        """Among which rows the AUC compares, in words."""
        return "within as-of dates" if self.temporal else "within the parts left out"

    @property
    def skill(self) -> Skill:
        """The figures on all headline rows of the test part."""
        return self.judgement.skill

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """Where the verdict does not hold: what `models.weakness` says of the slices."""
        return () if self.decision.is_null else find_weaknesses(self.judgement)

    @property
    def predictions(self) -> pd.DataFrame:
        """The test rows with their ``probability`` and the ends of its interval, NaN unknown."""
        rows = self.scored.rows.assign(probability=self.scored.probability)
        ends = None if self.abstention is None else self.abstention.interval
        low, high = (math.nan, math.nan) if ends is None else ends
        return rows.assign(probability_low=low, probability_high=high)

    def to_json(self) -> dict[str, object]:
        """What ``keepwell run --json`` prints for this model; null where a figure is unknown."""
        return {
            **self.judgement.to_json(),
            "split": self.split,
            "train": self.train.to_json(),
            "test": self.test.to_json(),
            **self.decision.to_json(),
            "notices": [*self.warnings, *self.weaknesses, *self.notices],
            "abstention": None if self.abstention is None else self.abstention.to_json(),
            "leaks": self.leaks.to_json(),
            "interventions": self.interventions.to_json(),
            "champion": None if self.challenge is None else self.challenge.to_json(),
        }
