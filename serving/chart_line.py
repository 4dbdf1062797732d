"""A value over time with its interval, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import svg

from serving.chart import WIDTH, Chart, Plot, choose_ticks, draw, draw_axis, draw_places, write
from serving.chart_sparkline import cut_points
from serving.page_format import MISSING

HEIGHT = 220.0
MarkKind = Literal["contact", "warning", "playbook", "model", "decision"]
SIGNS: dict[MarkKind, str] = {
    "contact": "●", "warning": "◆", "playbook": "✚", "model": "▲", "decision": "┃",
}  # fmt: skip
MOST_LABELS = 6  # with months and years, in any language
STEP = 14.0  # units between the rows of marks, one for each kind


@dataclass(frozen=True, slots=True)
class LinePoint:
    """One moment; what is not known is None.

    Parameters
    ----------
    label : str
        Of the moment.
    value, low, high : float or None
        The value and its interval.
    short : str or None
        The label below the axis; None: the same.
    """

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    short: str | None = None


@dataclass(frozen=True, slots=True)
class LineMark:
    """Something that happened at one of the moments.

    Parameters
    ----------
    index : int
        Of the moment, from 0.
    kind : str
    text : str
        In few words.
    """

    index: int
    kind: MarkKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWords:
    """Texts of a line chart, in the reader's language.

    Parameters
    ----------
    title, summary : str
    columns : (str, str, str, str, str)
        Headers of moment, value, lower and upper end, and of what happened.
    write : callable
        A value as text.
    """

    title: str
    summary: str
    columns: tuple[str, str, str, str, str]
    write: Callable[[float], str]


def draw_line(
    name: str,
    points: Sequence[LinePoint],
    words: LineWords,
    marks: Sequence[LineMark] = (),
    levels: Sequence[tuple[float, str]] = (),
) -> Chart:
    """The chart; marks stand above it, each kind in a row of its own.

    Parameters
    ----------
    name : str
        Once on the page.
    points : sequence of LinePoint
        The oldest first.
    words : LineWords
    marks : sequence of LineMark
    levels : sequence of (float, str)
        Values that something begins from, such as tiers, and what is written at them.
    """
    known = [n for one in points for n in (one.value, one.high) if n is not None]
    ticks = choose_ticks(max(known, default=1.0))
    kinds = [kind for kind in SIGNS if any(mark.kind == kind for mark in marks)]
    top = 16 + STEP * max(1, len(kinds))
    height = HEIGHT + top - 30
    plot = Plot(56, top, WIDTH - 12, height - 26, ticks[0], ticks[-1], len(points))
    elements: list[svg.Element] = [
        *draw_axis(plot, [(tick, words.write(tick)) for tick in ticks]),
        *_draw_bands(points, plot),
        *_draw_levels(levels, plot),
        *(
            svg.Polyline(points=part, class_=["chart-line"])
            for part in cut_points([one.value for one in points], plot)
        ),
        *_draw_marks(marks, kinds, plot),
        *draw_places(plot, [one.short or one.label for one in points], most=MOST_LABELS),
    ]
    return Chart(
        title=words.title,
        summary=words.summary,
        drawing=draw(name, words.title, words.summary, (WIDTH, height), elements),
        columns=words.columns,
        rows=[_list_point(index, one, marks, words) for index, one in enumerate(points)],
    )


def _draw_bands(points: Sequence[LinePoint], plot: Plot) -> list[svg.Element]:
    lows = cut_points([one.low if one.high is not None else None for one in points], plot)
    highs = cut_points([one.high if one.low is not None else None for one in points], plot)
    bands: list[svg.Element] = [
        svg.Polygon(points=[*high, *reversed(low)], class_=["chart-band"])
        for low, high in zip(lows, highs, strict=True)
    ]
    known = [one.low is not None and one.high is not None for one in points]
    for index, one in enumerate(points):
        alone = not any(known[max(0, index - 1) : index] + known[index + 1 : index + 2])
        if one.low is not None and one.high is not None and alone:
            x = plot.x(index)
            ends = svg.Line(
                x1=x, x2=x, y1=plot.y(one.low), y2=plot.y(one.high), class_=["chart-whisker"]
            )
            bands.append(ends)
    return bands


def _draw_levels(levels: Sequence[tuple[float, str]], plot: Plot) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for value, text in levels:
        if plot.low < value < plot.high:
            y = plot.y(value)
            line = svg.Line(x1=plot.left, x2=plot.right, y1=y, y2=y, class_=["chart-level"])
            drawn += [line, write(plot.left + 4, y - 4, text)]
    return drawn


def _draw_marks(
    marks: Sequence[LineMark], kinds: Sequence[MarkKind], plot: Plot
) -> list[svg.Element]:
    drawn: list[svg.Element] = []
    for mark in marks:
        x = plot.x(mark.index)
        row = plot.top - 12 - STEP * (len(kinds) - 1 - kinds.index(mark.kind))
        line = svg.Line(x1=x, x2=x, y1=row + 4, y2=plot.bottom, class_=["mark-line", mark.kind])
        sign = write(x, row, SIGNS[mark.kind], "middle", "mark", mark.kind)
        drawn += [line, sign]
    return drawn


def _list_point(
    index: int, point: LinePoint, marks: Sequence[LineMark], words: LineWords
) -> list[str]:
    figures = [
        MISSING if one is None else words.write(one) for one in (point.value, point.low, point.high)
    ]
    happened = "; ".join(f"{SIGNS[mark.kind]} {mark.text}" for mark in marks if mark.index == index)
    return [point.label, *figures, happened]
