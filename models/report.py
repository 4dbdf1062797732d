"""What is known about one trained model, and the JSON that other programs read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from models.gate import Decision
from models.judgement import Judgement
from models.scored import ScoredRows
from models.skill import Skill

if TYPE_CHECKING:
    from models.challenge import Challenge


@dataclass(frozen=True)
class Window:
    """As-of dates, both inclusive, with the rows and positives between them."""

    first: pd.Timestamp
    last: pd.Timestamp
    rows: int
    positives: int

    def to_json(self) -> dict[str, object]:
        """Dates as ISO strings."""
        return {
            "first_as_of": self.first.date().isoformat(),
            "last_as_of": self.last.date().isoformat(),
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
    challenge : Challenge or None
        How it did beside the champion; None when there was none.
    """

    model: str
    judgement: Judgement
    train: Window
    test: Window
    scored: ScoredRows
    decision: Decision
    notices: tuple[str, ...] = ()
    challenge: Challenge | None = None

    @property
    def skill(self) -> Skill:
        """The figures on all headline rows of the test part."""
        return self.judgement.skill

    @property
    def predictions(self) -> pd.DataFrame:
        """The test rows with their ``probability``."""
        return self.scored.rows.assign(probability=self.scored.probability)

    def to_json(self) -> dict[str, object]:
        """What ``keepwell run --json`` prints for this model; null where a figure is unknown."""
        return {
            **self.judgement.to_json(),
            "train": self.train.to_json(),
            "test": self.test.to_json(),
            **self.decision.to_json(),
            "notices": list(self.notices),
            "champion": None if self.challenge is None else self.challenge.to_json(),
        }
