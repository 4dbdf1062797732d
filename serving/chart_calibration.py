"""What a model expected and what came, for each tenth of what it judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import svg

from serving.chart import WIDTH, Chart, Plot, choose_ticks, draw, draw_axis, draw_box, write

HEIGHT = 230.0
LEFT = 56.0
DOT = 4.5


@dataclass(frozen=True, slots=True)
class TenthBar:
    """One tenth, the least likely to be lost first.

    Parameters
    ----------
    label : str
        Which one.
    expected, observed : float
        Shares 0-1.
    low, high : float or None
        The interval of `observed`.
    rows : str
        How many were judged, written.
    """

    label: str
    expected: float
    observed: float
    low: float | None
    high: float | None
    rows: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationWords:
    """Texts of the chart, in the reader's language.

    Parameters
    ----------
    title, summary : str
    columns : (str, str, str, str, str)
        Headers of tenth, rows, expected, observed and its interval.
    write : callable
        A share as text.
    """

    title: str
    summary: str
    columns: tuple[str, str, str, str, str]
    write: Callable[[float | None], str]


def draw_calibration(name: str, tenths: Sequence[TenthBar], words: CalibrationWords) -> Chart:
    """Bars of what was expected, and dots with intervals of what came.

    Parameters
    ----------
    name : str
        Once on the page.
    tenths : sequence of TenthBar
        At least one.
    words : CalibrationWords
    """
    most = max(max(one.expected, one.observed, one.high or 0.0) for one in tenths)
    ticks = choose_ticks(most or 1.0)
    plot = Plot(LEFT, 28, WIDTH - 8, HEIGHT - 24, ticks[0], ticks[-1], len(tenths))
    step = (plot.right - plot.left) / len(tenths)
    elements: list[svg.Element] = [
        draw_box((LEFT, 4), (12, 12), "bar"),
        write(LEFT + 18, 14, words.columns[2]),
        svg.Circle(cx=LEFT + 206, cy=10, r=DOT, class_=["came"]),
        write(LEFT + 218, 14, words.columns[3]),
        *draw_axis(plot, [(tick, words.write(tick)) for tick in ticks]),
    ]
    for index, one in enumerate(tenths):
        elements += _draw_tenth(one, plot.left + index * step, step, plot)
    return Chart(
        title=words.title,
        summary=words.summary,
        drawing=draw(name, words.title, words.summary, (WIDTH, HEIGHT), elements),
        columns=words.columns,
        rows=[
            (one.label, one.rows, words.write(one.expected), words.write(one.observed),
             f"{words.write(one.low)}\u2013{words.write(one.high)}")
            for one in tenths
        ],
    )  # fmt: skip


def _draw_tenth(one: TenthBar, left: float, step: float, plot: Plot) -> list[svg.Element]:
    middle, top = left + step / 2, plot.y(one.expected)
    drawn: list[svg.Element] = [
        draw_box((left + step * 0.22, top), (step * 0.56, plot.bottom - top), "bar")
    ]
    if one.low is not None and one.high is not None:
        drawn.append(
            svg.Line(
                x1=middle, x2=middle, y1=plot.y(one.low), y2=plot.y(one.high), class_=["came-range"]
            )
        )
    drawn.append(svg.Circle(cx=middle, cy=plot.y(one.observed), r=DOT, class_=["came"]))
    drawn.append(write(middle, plot.bottom + 16, one.label, "middle"))
    return drawn
