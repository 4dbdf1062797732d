"""Chains of terms, drawn many times: what is up for renewal, kept, lost and changed by quarter.

In each draw a contract goes from term to term: at its agreed end it is lost, by the renewal model's
probability for a first decision that the model speaks of, else by the rates; or it goes on at a
changed ARR and perhaps another length. Monthly contracts pass several ends in a quarter.
A draw has its own rates (they are uncertain), its own effect for each parent, shared by all its
contracts and all their terms, and its own effect for each quarter, shared by all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.book import AUTO_RENEWED, LOST, OPEN, RENEWED, Book
from models.past_term import IntArray, PastTerms
from models.price_change import ChangeDraws, Changes, collect_changes, weigh_changes
from models.renewal_rate import LossRates, cell_log_odds, fit_rates, normal_points, sigmoid
from models.table import BoolArray, FloatArray

CELLS_AT_ONCE = 1_500_000
# A term shorter than this is treated as this long, so that every chain ends.
SHORTEST_MONTHS = 0.2


@dataclass(frozen=True, eq=False)
class Flows:
    """Money by draw and quarter, (draws, quarters) each, in the reporting currency.

    Parameters
    ----------
    opening : float
        ARR of the book's contracts when the quarter begins.
    up : float
        ARR, then, of those with an agreed end in the quarter, each counted once.
    kept : float
        Of ``up``, what goes on at the quarter's end, expansion left out.
    contraction, expansion : float
        What those that go on have less, and more.
    contracts : float
        How many are up for renewal.
    held, closing : float, (draws,)
        At the end of the last quarter: what is left of each contract's first ARR, and their ARR.
    """

    opening: FloatArray
    up: FloatArray
    kept: FloatArray
    contraction: FloatArray
    expansion: FloatArray
    contracts: FloatArray
    held: FloatArray
    closing: FloatArray


@dataclass(frozen=True, eq=False)
class Rates:
    """What past terms tell: loss, changes, and how much the overall level is in doubt."""

    past: PastTerms
    loss: LossRates
    changes: Changes

    @property
    def model_doubt(self) -> float:
        """Standard error, log-odds, of a level that was learnt from so many losses."""
        chance = self.loss.probability[self.past.cell]
        return float(1.0 / np.sqrt(max(1.0, (chance * (1.0 - chance)).sum())))


def learn_rates(past: PastTerms) -> Rates:
    """Rates of mature past terms; there must be at least one."""
    return Rates(past, fit_rates(past), collect_changes(past))


def draw_flows(
    book: Book,
    rates: Rates,
    ends: FloatArray,
    *,
    draws: int,
    seed: int,
    progress: Callable[[float], None] | None = None,
) -> Flows:
    """Flows of the book over quarters that follow each other.

    Parameters
    ----------
    book : Book
    rates : Rates
    ends : float, (quarters,)
        Month number at which each quarter ends, exclusive. What ended before the first one and is
        still undecided counts in it.
    draws, seed : int
    progress : callable, optional
        Told the share that is done, 0-1, as it grows.
    """
    generator = np.random.default_rng(seed)
    places = rates.loss.places(book.group)
    first = _first_log_odds(book, rates.loss, places)
    widest = max(1, len(book), len(rates.changes.lend) * len(rates.changes.change))
    at_once = max(1, min(draws, CELLS_AT_ONCE // widest))
    parts = []
    for start in range(0, draws, at_once):
        count = min(at_once, draws - start)
        if progress is not None:
            progress(start / draws)
        parts.append(_Chains(book, rates, places, first, count, len(ends), generator).run(ends))
    names = Flows.__dataclass_fields__
    return Flows(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def _first_log_odds(book: Book, loss: LossRates, places: IntArray) -> FloatArray:
    """Log-odds at a parent's middle that give the model's probability on average, (n,).

    By bisection: a parent's effect must not move what the model says of each contract.
    """
    points, _ = normal_points()
    weights = loss.posterior(loss.parameters, places)
    wanted = np.clip(np.nan_to_num(book.loss, nan=0.5), 1e-6, 1 - 1e-6)
    low, high = np.full(len(book), -40.0), np.full(len(book), 40.0)
    for _ in range(50):
        middle = 0.5 * (low + high)
        found = (weights * sigmoid(middle[:, None] + loss.parent_spread * points)).sum(axis=1)
        low, high = np.where(found < wanted, middle, low), np.where(found < wanted, high, middle)
    return np.asarray(0.5 * (low + high))


class _Chains:
    """The state of some draws of all chains, (draws, n) each."""

    def __init__(
        self,
        book: Book,
        rates: Rates,
        places: IntArray,
        first: FloatArray,
        draws: int,
        quarters: int,
        generator: np.random.Generator,
    ) -> None:
        self.book, self.rates, self.generator = book, rates, generator
        shape = (draws, len(book))
        self.arr, self.end, self.length = (
            np.broadcast_to(value, shape).copy() for value in (book.arr, book.end, book.length)
        )
        self.kind = np.broadcast_to(book.kind, shape).copy()
        self.alive = np.ones(shape, dtype=np.bool_)
        self.is_first = np.ones(shape, dtype=np.bool_)
        self.changes: ChangeDraws = weigh_changes(rates.changes, draws, generator)
        self.first = first
        self._draw_effects(places, draws, quarters)

    def _draw_effects(self, places: IntArray, draws: int, quarters: int) -> None:
        """Rates, parents' effects, quarters' effects and the model's level, by draw."""
        loss, generator = self.rates.loss, self.generator
        drawn = generator.multivariate_normal(
            loss.parameters, loss.covariance, size=draws, method="eigh"
        )
        drawn[:, 1] = np.clip(drawn[:, 1], loss.parameters[1] - 1, loss.parameters[1] + 1)
        groups, self.group = np.unique(places, return_inverse=True)
        # Parents without a past have one row in the rates, and each an effect of its own.
        new = places == len(loss.names)
        _, own = np.unique(self.book.group.astype(str), return_inverse=True)
        self.group = np.where(new, len(groups) + own, self.group)
        self.log_odds = cell_log_odds(loss.design, drawn)
        points, prior = normal_points()
        strangers = generator.random((draws, int(own.max(initial=-1)) + 1))
        unknown = points[np.searchsorted(prior.cumsum()[:-1], strangers)]
        known = np.empty((draws, len(groups)))
        posterior = loss.posteriors(groups)
        for draw, parameters in enumerate(drawn):
            cumulative = posterior(parameters).cumsum(axis=1)[:, :-1]
            known[draw] = points[(cumulative < generator.random((len(groups), 1))).sum(axis=1)]
        spread = np.exp(drawn[:, 1])[:, None]
        self.effect = spread * np.hstack([known, unknown])
        # What one quarter has of its own lasts: a bad year is not over with its first quarter.
        steps = generator.standard_normal((draws, quarters))
        self.quarter = loss.quarter_spread * np.cumsum(steps, axis=1)
        steps = generator.standard_normal((draws, quarters))
        self.quarter_change = self.rates.changes.quarter_spread * np.cumsum(steps, axis=1)
        self.level = self.rates.model_doubt * generator.standard_normal(draws)

    def run(self, ends: FloatArray) -> Flows:
        """Flows of these draws."""
        found: dict[str, list[FloatArray]] = {
            name: [] for name in ("opening", "up", "kept", "contraction", "expansion", "contracts")
        }
        for quarter, end in enumerate(ends):
            before, touched = self.arr.copy(), self._pass_ends(quarter, float(end))
            up, after = np.where(touched, before, 0.0), np.where(touched, self.arr, 0.0)
            kept, goes_on = np.minimum(up, after), touched & self.alive
            found["opening"].append(before.sum(axis=1))
            found["up"].append(up.sum(axis=1))
            found["kept"].append(kept.sum(axis=1))
            found["contraction"].append(np.where(goes_on, up - kept, 0.0).sum(axis=1))
            found["expansion"].append((after - kept).sum(axis=1))
            found["contracts"].append(touched.sum(axis=1).astype(np.float64))
        return Flows(
            **{name: np.stack(values, axis=1) for name, values in found.items()},
            held=np.minimum(self.arr, self.book.arr).sum(axis=1),
            closing=self.arr.sum(axis=1),
        )

    def _pass_ends(self, quarter: int, end: float) -> BoolArray:
        """Take every chain past its ends before ``end``; which ones had any, (draws, n)."""
        touched = np.zeros(self.arr.shape, dtype=np.bool_)
        shared = self.generator.random(self.effect.shape)
        while True:
            draw, place = np.nonzero(self.alive & (self.end < end))
            if not len(draw):
                return touched
            touched[draw, place] = True
            lost = self._is_lost(draw, place, quarter)
            self.alive[draw[lost], place[lost]] = False
            self.arr[draw[lost], place[lost]] = 0.0
            self._go_on(draw[~lost], place[~lost], quarter, shared)
            self.is_first[draw, place] = False

    def _cell(self, draw: IntArray, place: IntArray) -> IntArray:
        age = self.end[draw, place] - self.book.begin[place]
        kinds = self.rates.past.kinds
        return kinds.cell(self.kind[draw, place], self.arr[draw, place], age)

    def _is_lost(self, draw: IntArray, place: IntArray, quarter: int) -> BoolArray:
        book, first = self.book, self.is_first[draw, place]
        cell = self._cell(draw, place)
        by_model = first & np.isfinite(book.loss[place])
        base = np.where(
            by_model,
            self.first[place] + self.level[draw],
            self.log_odds[draw, cell] + np.where(first, book.silence[place], 0.0),
        )
        odds = base + self.effect[draw, self.group[place]] + self.quarter[draw, quarter]
        chance = sigmoid(odds)
        fate = np.where(first, book.fate[place], OPEN)
        chance = np.where((fate == RENEWED) | (fate == AUTO_RENEWED), 0.0, chance)
        chance = np.where(fate == LOST, 1.0, chance)
        return np.asarray(self.generator.random(len(draw)) < chance)

    def _go_on(self, draw: IntArray, place: IntArray, quarter: int, shared: FloatArray) -> None:
        """The next term of kept chains: the signed one where it is known, else by a past change."""
        book, generator, changes = self.book, self.generator, self.rates.changes
        signed = self.is_first[draw, place] & (book.fate[place] == RENEWED)
        kind, arr = self.kind[draw, place], self.arr[draw, place]
        cell = self._cell(draw, place)
        alike = generator.random(len(draw)) < np.sqrt(changes.alike)
        rank = np.where(alike, shared[draw, self.group[place]], generator.random(len(draw)))
        moved = np.exp(self.quarter_change[draw, quarter])
        rank = rank * moved / (1.0 - rank + rank * moved)
        picked, own = self.changes.pick(draw, cell, rank, generator.random(len(draw)))
        some = picked >= 0
        if len(changes.change):
            arr = np.where(some, arr * changes.change[picked], arr)
        length = self.length[draw, place]
        if len(changes.change):
            length = np.where(own, changes.next_length[picked], length)
            kind = np.where(own, changes.next_kind[picked], kind)
        length = np.where(signed, book.next_length[place], length)
        end = self.end[draw, place] + np.maximum(length, SHORTEST_MONTHS)
        self.arr[draw, place] = np.where(signed, book.next_arr[place], arr)
        self.end[draw, place] = np.where(
            signed, np.maximum(book.next_end[place], self.end[draw, place]), end
        )
        self.kind[draw, place] = np.where(signed, book.next_kind[place], kind)
        self.length[draw, place] = np.where(np.isfinite(length), length, SHORTEST_MONTHS)
