"""The top of the ranking as it is served: with the renewals among it that are overdue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.bootstrap import Bootstrap, Estimate, estimate
from models.figure import both, number
from models.ranking import Order, divide
from models.table import BoolArray, FloatArray
from models.top import top_sums


@dataclass(frozen=True)
class ServedTop:
    """As many rows as the team can work on, of all rows of each as-of date.

    All other figures leave out renewals past their decision date, most of which are lost already
    and told easily. The ranking that people get holds them.

    Parameters
    ----------
    rows : float
        How many are taken on an as-of date, on average.
    overdue : Estimate
        Share of them that is past its decision date.
    precision, precision_overdue, precision_open : Estimate
        Share that was lost: of all of them, of those past their decision and of the others.
    lift_open : Estimate
        ``precision_open`` over the share of all rows still to be decided that was lost.
    """

    rows: float
    overdue: Estimate
    precision: Estimate
    precision_overdue: Estimate
    precision_open: Estimate
    lift_open: Estimate

    @property
    def sentence(self) -> str:
        """What the team finds among the rows at the top, in words."""
        said = (
            f"as served, with what is overdue: of the {self.rows:.0f} first on a date "
            f"{self.overdue.value:.0%} are past their decision date"
        )
        if self.precision_overdue.value == self.precision_overdue.value:
            said += f" ({self.precision_overdue.value:.0%} of those are lost)"
        if self.precision_open.value == self.precision_open.value:
            said += (
                f"; of the others {self.precision_open.value:.0%} are lost, "
                f"{self.lift_open.value:.1f} times as many as of all that are open"
            )
        return said

    def to_json(self) -> dict[str, object]:
        """Each figure beside its interval; null where it is unknown."""
        found: dict[str, object] = {"rows": number(self.rows)}
        names = ("overdue", "precision", "precision_overdue", "precision_open", "lift_open")
        for name in names:
            found |= both(name, getattr(self, name))
        return found


def judge_served_top(
    label: FloatArray, overdue: BoolArray, order: Order, draws: Bootstrap, *, capacity: int
) -> ServedTop:
    """What the team would have been told to work on.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    overdue : bool, (n,)
        Past the decision date.
    order : Order
        By as-of date and rising probability.
    draws : Bootstrap
        Of the same rows.
    capacity : int
        Accounts that can be worked on per as-of date.
    """
    values = np.column_stack([label, overdue, label * overdue])
    once = np.ones((1, len(label)))
    drawn = np.concatenate(
        [top_sums(values, weight, order, most=capacity) for weight in (once, *draws.weights())]
    )
    taken, lost, late, late_lost, everyone, all_lost, all_late, all_late_lost = drawn.T
    open_precision = divide(lost - late_lost, taken - late)
    open_rate = divide(all_lost - all_late_lost, everyone - all_late)
    found = (
        divide(late, taken),
        divide(lost, taken),
        divide(late_lost, late),
        open_precision,
        divide(open_precision, open_rate),
    )
    return ServedTop(
        float(taken[0]) / len(order.strata),
        *(estimate(float(figure[0]), figure[1:]) for figure in found),
    )
