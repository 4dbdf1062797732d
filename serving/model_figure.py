"""The figures of a model for people, read from its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple

from models.card import Card
from models.weak_slice import Range, WeakSlices, find_weak_slices, read_range

Beside = Literal["better", "alike", "worse"]


class Baseline(NamedTuple):
    """What can be said without the model, and how the model does beside it.

    Parameters
    ----------
    name : str
        As in ``keepwell run --json``.
    auc : Range
    beside : str
        How the model does, beyond noise.
    """

    name: str
    auc: Range
    beside: Beside


class Team(NamedTuple):
    """What a team finds that works on the top of the ranking by chance.

    Parameters
    ----------
    rows : float
        Accounts that it takes on a date.
    precision, lift : Range or None
        Share of them that was lost, and how many times that is of all.
    arr_share : Range or None
        Share of all lost ARR that is among them; None without ARR.
    """

    rows: float
    precision: Range | None
    lift: Range | None
    arr_share: Range | None


class Served(NamedTuple):
    """The same of the ranking as it is shown, by expected loss.

    Parameters
    ----------
    rows : float
    overdue : float
        Share of them whose decision has passed.
    open_lost, open_lift : float or None
        Share lost of the others, and how many times that is of all that are still open.
    """

    rows: float
    overdue: float
    open_lost: float | None
    open_lift: float | None


class Tenth(NamedTuple):
    """A tenth of the judged rows; shares 0-1, `came` with its interval."""

    rows: int
    expected: float
    came: Range
    agrees: bool


class Span(NamedTuple):
    """Rows between two as-of dates, both inclusive; None where rows bear none."""

    first: date | None
    last: date | None
    rows: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """How a model was judged; what was not told is None or empty.

    Parameters
    ----------
    auc : Range or None
    baselines : tuple of Baseline
    team : Team or None
    served : Served or None
    tenths : tuple of Tenth
        Of the rows that got a probability, the least likely first.
    money : Range or None
        ARR that was lost over the loss expected of it.
    weak : WeakSlices
    trained, judged : Span or None
        What the shipped model learnt from, and what its recipe was judged on.
    answered : float or None
        Share of the judged rows that would have got a probability.
    verdict : str or None
    promoted : bool or None
    reasons, notices : tuple of str
        English, as the training wrote them.
    """

    auc: Range | None
    baselines: tuple[Baseline, ...]
    team: Team | None
    served: Served | None
    tenths: tuple[Tenth, ...]
    money: Range | None
    weak: WeakSlices
    trained: Span
    judged: Span | None
    answered: float | None
    verdict: str | None
    promoted: bool | None
    reasons: tuple[str, ...]
    notices: tuple[str, ...]


def read_figures(card: Card) -> ModelFigures:
    """What a card tells of how the model was judged; older cards tell less."""
    metrics: Mapping[str, Any] = card.metrics  # Any: JSON
    abstention = metrics.get("abstention") or {}
    answered = abstention.get("answered") or {}
    return ModelFigures(
        auc=read_range(metrics, "auc"),
        baselines=_read_baselines(metrics),
        team=_read_team(metrics),
        served=_read_served(metrics),
        tenths=tuple(
            found for one in abstention.get("tenths") or () if (found := _read_tenth(one))
        ),
        money=read_range(metrics.get("calibration") or {}, "arr_ratio"),
        weak=find_weak_slices(metrics),
        trained=Span(card.first_as_of, card.last_as_of, card.rows, card.positives),
        judged=_read_span(metrics.get("test")),
        answered=answered.get("share"),
        verdict=metrics.get("verdict"),
        promoted=metrics.get("promoted"),
        reasons=tuple(metrics.get("reasons") or ()),
        notices=tuple(metrics.get("notices") or ()),
    )


def _read_baselines(metrics: Mapping[str, Any]) -> tuple[Baseline, ...]:
    """Those that rank at all, the strongest first."""
    found = []
    for name, figures in (metrics.get("baselines") or {}).items():
        auc, difference = read_range(figures, "auc"), read_range(figures, "difference")
        if auc is None or difference is None or name == "base_rate":
            continue
        beside: Beside = (
            "better" if difference.low > 0.0 else "worse" if difference.high < 0.0 else "alike"
        )
        found.append(Baseline(name, auc, beside))
    return tuple(sorted(found, key=lambda one: -one.auc.value))


def _read_team(metrics: Mapping[str, Any]) -> Team | None:
    tops = metrics.get("top") or {}
    top = tops.get("capacity") or tops.get("5_percent")
    if not top:
        return None
    names = ("precision", "lift", "arr_caught_share")
    return Team(float(top["rows"]), *(read_range(top, name) for name in names))


def _read_served(metrics: Mapping[str, Any]) -> Served | None:
    told = metrics.get("as_served")
    if not told or told.get("overdue") is None:
        return None
    return Served(told["rows"], told["overdue"], told["precision_open"], told["lift_open"])


def _read_tenth(told: Mapping[str, Any]) -> Tenth | None:
    came = read_range(told, "observed")
    if came is None or told.get("mean_probability") is None:
        return None
    return Tenth(told["rows"], told["mean_probability"], came, bool(told["agrees"]))


def _read_span(told: Mapping[str, Any] | None) -> Span | None:
    if not told:
        return None
    first, last = (
        None if told[name] is None else date.fromisoformat(told[name])
        for name in ("first_as_of", "last_as_of")
    )
    return Span(first, last, told["rows"], told["positives"])
