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
    """As many rows as the team can work on, of all rows of each as-of date, by ARR at risk.

    All other figures rank by probability and leave out renewals past their decision date, most of
    which are lost already and told easily. The ranking that people get is by ARR at risk, and
    holds them.

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
    arr_caught_share : Estimate
        Share of the lost ARR of rows still to be decided that is among them; NaN without ARR.
    """

    rows: float
    overdue: Estimate
    precision: Estimate
    precision_overdue: Estimate
    precision_open: Estimate
    lift_open: Estimate
    arr_caught_share: Estimate

    @property
    def sentence(self) -> str:
        """What the team finds among the rows at the top, in words."""
        said = f"as served, by ARR at risk: of the {self.rows:.0f} first on a date"
        among = "all"
        if self.overdue.value > 0.0:
            said += (
                f" {self.overdue.value:.0%} are past their decision date "
                f"({self.precision_overdue.value:.0%} of those are lost); of the others"
            )
            among = "all that are open"
        if self.precision_open.value == self.precision_open.value:
            said += (
                f" {self.precision_open.value:.0%} are lost, {self.lift_open.value:.1f} times as "
                f"many as of {among}"
            )
        if self.arr_caught_share.value == self.arr_caught_share.value:
            said += f", with {self.arr_caught_share.value:.0%} of the ARR that is lost there"
        return said

    def to_json(self) -> dict[str, object]:
        """Each figure beside its interval; null where it is unknown."""
        found: dict[str, object] = {"rows": number(self.rows)}
        for name in (
            "overdue",
            "precision",
            "precision_overdue",
            "precision_open",
            "lift_open",
            "arr_caught_share",
        ):
            found |= both(name, getattr(self, name))
        return found


def served_score(probability: FloatArray, arr: FloatArray) -> FloatArray:
    """A score that puts rows in the order of the ranking that people get, (n,).

    By ARR at risk; those of unknown ARR come after, by probability, as in
    `models.account_score.ranking_key`.

    Parameters
    ----------
    probability : float, (n,)
        0-1.
    arr : float, (n,)
        Reporting currency, 0 or more; NaN unknown.
    """
    return np.where(np.isnan(arr), probability - 2.0, np.nan_to_num(arr) * probability)


def judge_served_top(
    label: FloatArray,
    overdue: BoolArray,
    arr: FloatArray,
    order: Order,
    draws: Bootstrap,
    *,
    capacity: int,
) -> ServedTop:
    """What the team would have been told to work on.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    overdue : bool, (n,)
        Past the decision date.
    arr : float, (n,)
        Reporting currency; NaN unknown.
    order : Order
        By as-of date and rising `served_score`.
    draws : Bootstrap
        Of the same rows.
    capacity : int
        Accounts that can be worked on per as-of date.
    """
    arr_lost = np.nan_to_num(arr) * label * ~overdue
    values = np.column_stack([label, overdue, label * overdue, arr_lost])
    once = np.ones((1, len(label)))
    drawn = np.concatenate(
        [top_sums(values, weight, order, most=capacity) for weight in (once, *draws.weights())]
    )
    taken, lost, late, late_lost, arr_caught, *all_of = drawn.T
    everyone, all_lost, all_late, all_late_lost, all_arr_lost = all_of
    open_precision = divide(lost - late_lost, taken - late)
    open_rate = divide(all_lost - all_late_lost, everyone - all_late)
    found = (
        divide(late, taken),
        divide(lost, taken),
        divide(late_lost, late),
        open_precision,
        divide(open_precision, open_rate),
        divide(arr_caught, all_arr_lost),
    )
    return ServedTop(
        float(taken[0]) / len(order.strata),
        *(estimate(float(figure[0]), figure[1:]) for figure in found),
    )
