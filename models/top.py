"""What is found among the accounts at the top of a ranking, and what acting on them brings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.bootstrap import Bootstrap, Estimate, estimate
from models.figure import UNKNOWN, both, number
from models.ranking import Order, divide
from models.settings import CostSettings
from models.table import FloatArray

SHARES = {"5_percent": (0.05, math.inf), "10_percent": (0.10, math.inf)}
CAPACITY = "capacity"
NO_COSTS = CostSettings()


@dataclass(frozen=True)
class Top:
    """The rows at the top of the ranking of each as-of date.

    Parameters
    ----------
    rows : float
        How many are taken on an as-of date, on average. A share of a row counts as such, so that
        ties and odd numbers of rows need no rule.
    precision : Estimate
        Share of them that was lost.
    lift : Estimate
        That, over the share of all rows that was lost.
    caught : Estimate
        Share of all lost rows that is among them.
    arr_caught, arr_caught_share : Estimate
        Lost ARR among them on an as-of date, on average, in the reporting currency, and its share
        of all lost ARR; NaN without ARR. Rows whose ARR is unknown are left out of both.
    profit : Estimate
        Saved ARR less the cost of contact, of an as-of date on average, in the reporting currency;
        NaN when the configuration names no costs or there is no ARR. An account of unknown ARR
        costs and brings nothing.
    """

    rows: float
    precision: Estimate
    lift: Estimate
    caught: Estimate
    arr_caught: Estimate
    arr_caught_share: Estimate
    profit: Estimate

    def to_json(self) -> dict[str, object]:
        """Each figure beside its interval; null where it is unknown."""
        found: dict[str, object] = {"rows": number(self.rows)}
        for name in ("precision", "lift", "caught", "arr_caught", "arr_caught_share", "profit"):
            found |= both(name, getattr(self, name))
        return found


def judge_tops(
    label: FloatArray,
    arr: FloatArray,
    order: Order,
    draws: Bootstrap,
    *,
    capacity: int,
    costs: CostSettings,
) -> dict[str, Top]:
    """The top 5 %, the top 10 % and the team's capacity, of each as-of date.

    Parameters
    ----------
    label : float, (n,)
        0 or 1.
    arr : float, (n,)
        Reporting currency; NaN unknown.
    order : Order
        By as-of date and rising probability.
    draws : Bootstrap
        Of the same rows.
    capacity : int
        Accounts that can be worked on per as-of date.
    costs : CostSettings
    """
    values = _value_columns(label, arr, costs)
    dates = len(order.strata)

    known = bool(np.isfinite(arr).any())
    has_costs = known and _are_given(costs)
    once = np.ones((1, len(label)))
    tops = {}
    for name, (share, most) in {**SHARES, CAPACITY: (1.0, capacity)}.items():
        drawn = [
            _figures(top_sums(values, weight, order, share=share, most=most), dates)
            for weight in (once, *draws.weights())
        ]
        tops[name] = _top(np.concatenate(drawn), known=known, has_costs=has_costs)
    return tops


def say_costs(costs: CostSettings, currency: str) -> str:
    """What the profit of acting counts, in one sentence for people.

    Parameters
    ----------
    costs : CostSettings
        A cost that the configuration does not set is named as assumed.
    currency : str
        Of the cost of contact.
    """
    if not _are_given(costs):
        return (
            "Profit of acting is unknown: the configuration sets neither costs.contact nor "
            "costs.save_rate."
        )
    contact = f"{currency} {costs.contact:,.2f}".removesuffix(".00")
    unset = [name for name in ("save_rate", "contact") if name not in costs.model_fields_set]
    source = f"; assumed, since it is not set: costs.{unset[0]}" if unset else ""
    return (
        f"Profit of acting takes {100 * costs.save_rate:g} % of the lost ARR as saved, less "
        f"{contact} for contacting each account: costs of the configuration, not measured{source}."
    )


def _are_given(costs: CostSettings) -> bool:
    return costs.contact > 0 or costs.save_rate > 0


def top_sums(
    values: FloatArray,
    weight: FloatArray,
    order: Order,
    *,
    share: float = 1.0,
    most: float = math.inf,
) -> FloatArray:
    """Sums of columns over the rows at the top of each stratum, then over all rows.

    Parameters
    ----------
    values : float, (n, m)
    weight : float, (r, n)
        How often each row counts.
    order : Order
        Strata are as-of dates.
    share, most : float
        Share of a stratum's rows that is taken, and at most how many. Rows of equal score are
        taken in equal parts.

    Returns
    -------
    float, (r, 2 + 2 m)
        Rows taken and the sums over them, then all rows and the sums over them.
    """
    rows = order.by_block(weight)
    size = np.diff(np.append(order.strata, len(order.blocks)))
    everyone = np.add.reduceat(rows, order.strata, axis=-1)
    target = np.minimum(everyone * share, most)
    until = np.cumsum(rows, axis=-1)
    end = until[..., order.strata + size - 1]
    above = np.repeat(end, size, axis=-1) - until
    taken = np.clip(divide(np.repeat(target, size, axis=-1) - above, rows), 0.0, 1.0)
    taken = np.nan_to_num(taken)
    columns = [rows, *(order.by_block(weight * column) for column in values.T)]
    top = [(taken * column).sum(axis=-1) for column in columns]
    return np.stack([*top, *(column.sum(axis=-1) for column in columns)], axis=-1)


def _value_columns(label: FloatArray, arr: FloatArray, costs: CostSettings) -> FloatArray:
    """Lost rows, lost ARR and profit of acting, (n, 3)."""
    known = np.nan_to_num(arr)
    saved = costs.save_rate * known * label
    return np.column_stack([label, label * known, saved - costs.contact])


def _figures(sums: FloatArray, dates: int) -> FloatArray:
    taken, lost, arr_lost, profit, everyone, all_lost, all_arr_lost, _ = sums.T
    precision = divide(lost, taken)
    return np.column_stack(
        [
            taken / dates,
            precision,
            divide(precision, divide(all_lost, everyone)),
            divide(lost, all_lost),
            arr_lost / dates,
            divide(arr_lost, all_arr_lost),
            profit / dates,
        ]
    )


def _top(drawn: FloatArray, *, known: bool, has_costs: bool) -> Top:
    """The figures of the rows themselves, in the first line, with the replicates below."""
    found = [estimate(float(column[0]), column[1:]) for column in drawn.T]
    rows, precision, lift, caught, arr_caught, arr_share, profit = found
    return Top(
        rows=rows.value,
        precision=precision,
        lift=lift,
        caught=caught,
        arr_caught=arr_caught if known else UNKNOWN,
        arr_caught_share=arr_share if known else UNKNOWN,
        profit=profit if has_costs else UNKNOWN,
    )
