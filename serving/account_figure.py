"""Figures of one account as its page shows them: drivers, changes, the measure of value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from models.account_score import AccountScore, Driver
from models.alert import Alert
from models.health import Health
from models.health_change import FactorChange
from models.health_change import explain_change as explain_health
from models.score_change import ScoreChange
from serving.account_sum import RoundedSum, round_sum
from serving.chart_bar import draw_contribution
from serving.page_format import MISSING, Formats
from serving.page_language import SOURCE, Language

LEAST = 0.1  # what a figure without a unit of its own is told to
MOST_GROUPS = 6
MOST_FACTORS = 4
SHARES = frozenset({"share", "ratio"})
CHANGES = frozenset({"change"})


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a sum in points of 100.

    Parameters
    ----------
    driver : Driver or None
        None for a group, and for all the other signals together.
    group : str or None
        In the feature catalogue.
    shown : str
        The points, rounded so that they add up.
    bar : Markup
    """

    driver: Driver | None
    group: str | None
    shown: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class Way:
    """From one chance to another, step by step.

    Parameters
    ----------
    start, end : str
        As percent.
    steps : tuple of Step
        The points of all of them, with `rest` and `model`, add up from `start` to `end`.
    rest : Step or None
        Everything that is not named.
    model : str or None
        Points that another model made; None where it is not told apart.
    """

    start: str
    end: str
    steps: tuple[Step, ...]
    rest: Step | None
    model: str | None = None


def explain_score(score: AccountScore, formats: Formats) -> Way | None:
    """From the average account to this one; None where the sum is not known."""
    start, end = score.base_probability, score.loss_probability
    points = [one.points for one in score.drivers]
    if start is None or end is None or not points or None in points:
        return None
    known = [one for one in points if one is not None]
    rest = end - start - math.fsum(known)
    summed = round_sum(start, [*known, rest], end)
    bars, shown = _draw([*known, rest], summed, formats)
    steps = [
        Step(driver, driver.group, text, bar)
        for driver, text, bar in zip(score.drivers, shown, bars, strict=False)
    ]
    return Way(
        summed.percent(summed.start, formats),
        summed.percent(summed.end, formats),
        tuple(steps),
        Step(None, None, shown[-1], bars[-1]),
    )


def explain_groups(score: AccountScore, formats: Formats) -> Way | None:
    """The same by group of features, all of them."""
    start, end = score.base_probability, score.loss_probability
    if start is None or end is None or not score.groups:
        return None
    return _sum_groups(start, [(one.group, one.points) for one in score.groups], end, formats)


def explain_step(before: float, change: ScoreChange, formats: Formats) -> Way | None:
    """From the chance before to the one now, by group and by model; None where it is not told.

    Parameters
    ----------
    before : float
        Share 0-1.
    change : ScoreChange
    formats : Formats
    """
    if change.by_group is None or change.total is None:
        return None
    groups = [(one.group, one.points) for one in change.by_group]
    model = change.model_change or 0.0
    return _sum_groups(before, groups, before + change.total, formats, model=model)


@dataclass(frozen=True, slots=True)
class HealthWay:
    """What moved a health score, in points of its 100 that add up.

    Parameters
    ----------
    total : str
        All of it.
    steps : tuple of (FactorChange, str)
        The strongest factors, each with its points.
    rest : str or None
        All the others together with other weights; None where there is nothing else.
    """

    total: str
    steps: tuple[tuple[FactorChange, str], ...]
    rest: str | None


def explain_health_step(before: Health, after: Health, formats: Formats) -> HealthWay:
    """What moved the health score of an account between two snapshots."""
    change = explain_health(before, after)
    named = change.factors[:MOST_FACTORS]
    parts = [one.points / 100 for one in named]
    rest = change.points / 100 - math.fsum(parts)
    summed = round_sum(before.score / 100, [*parts, rest], after.score / 100, digits=1)
    shown = [summed.points(units, formats) for units in summed.parts]
    return HealthWay(
        summed.points(summed.end - summed.start, formats),
        tuple(zip(named, shown, strict=False)),
        shown[-1] if summed.parts[-1] else None,
    )


def _sum_groups(
    start: float,
    groups: Sequence[tuple[str, float]],
    end: float,
    formats: Formats,
    *,
    model: float | None = None,
) -> Way:
    named = groups[:MOST_GROUPS]
    rest = math.fsum(points for _, points in groups[MOST_GROUPS:])
    parts = [points for _, points in named]
    has_rest = len(groups) > MOST_GROUPS
    apart = [] if model is None else [model]
    every = [*parts, *([rest] if has_rest else []), *apart] or [0.0]
    summed = round_sum(start, every, end)
    bars, shown = _draw(every, summed, formats)
    return Way(
        summed.percent(summed.start, formats),
        summed.percent(summed.end, formats),
        tuple(
            Step(None, group, text, bar)
            for (group, _), text, bar in zip(named, shown, bars, strict=False)
        ),
        Step(None, None, shown[len(named)], bars[len(named)]) if has_rest else None,
        None if model is None else shown[-1],
    )


def _draw(
    parts: Sequence[float], summed: RoundedSum, formats: Formats
) -> tuple[list[Markup], list[str]]:
    most = max(abs(part) for part in parts)
    return (
        [draw_contribution(part, most) for part in parts],
        [summed.points(units, formats) for units in summed.parts],
    )


def write_figure(value: float | str | None, unit: str | None, formats: Formats) -> str:
    """What a feature was, as a reader writes it; without its unit where that is a word."""
    if value is None:
        return MISSING
    if isinstance(value, str):
        return value
    if unit in SHARES:
        return formats.share(value) if 0 <= value <= 1 else formats.percent(value * 100)
    if unit in CHANGES:
        return formats.change(value)
    if 0 < value < LEAST / 2:
        return f"<{formats.decimal(LEAST)}"  # little is not nothing
    return formats.count(value) if abs(value) >= 10 else formats.decimal(value)


def write_range(low: float | None, high: float | None, unit: str | None, formats: Formats) -> str:
    """From where to where the middle half of the peers lies."""
    if low is None or high is None:
        return MISSING
    first, last = (write_figure(one, unit, formats) for one in (low, high))
    return first if first == last else f"{first} {MISSING} {last}"  # the dash of a range


def write_evidence(alert: Alert, texts: Mapping[str, str], language: Language) -> str | None:
    """The evidence of a warning in a language other than the source's; None where it has no text.

    Parameters
    ----------
    alert : Alert
    texts : mapping of language to str
        Of its rule, with ``{value}`` and ``{subject}``.
    language : Language
    """
    text = texts.get(language.code)
    if language.code == SOURCE or text is None:
        return None
    shown = write_figure(alert.value, alert.unit, language.formats)
    # Not by format, which would look into what a company wrote; the subject last, which is data.
    return text.replace("{value}", shown).replace("{subject}", alert.subject or "")
