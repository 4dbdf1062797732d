"""Bars in the rows of a table, and as a chart of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import svg
from markupsafe import Markup

from serving.chart import WIDTH, Chart, draw, draw_box, draw_small, shorten, write

CELL = (120.0, 12.0)
ROW = 24.0
NAMES = 190.0  # units for the names beside the bars
FIGURES = 70.0


def draw_contribution(value: float, most: float) -> Markup:
    """A bar from the middle: to the right raises, to the left lowers; `most` fills a half."""
    width, height = CELL
    half = width / 2
    length = _scale(abs(value), most, half)
    start, kind = (half, "raises") if value > 0 else (half - length, "lowers")
    bar = draw_box((start, 1), (length, height - 2), kind)
    axis = svg.Line(x1=half, x2=half, y1=0, y2=height, class_=["chart-axis"])
    return draw_small("cell-bar", CELL, [bar, axis])


def draw_bars(
    name: str,
    words: tuple[str, str, tuple[str, str]],
    bars: Sequence[tuple[str, float]],
    write_value: Callable[[float], str],
) -> Chart:
    """Named bars below each other; where one is below 0, all start from a common axis.

    Parameters
    ----------
    name : str
        Once on the page.
    words : (str, str, (str, str))
        Title, summary, and headers of names and values.
    bars : sequence of (str, float)
        From the top.
    write_value : callable
        A value as text.
    """
    title, summary, columns = words
    height = ROW * len(bars) + 8
    low = min((value for _, value in bars if value < 0), default=0.0)
    span = max((value for _, value in bars if value > 0), default=0.0) - low or 1.0
    rate = (WIDTH - NAMES - FIGURES * (2 if low else 1)) / span
    zero = NAMES + (FIGURES if low else 0.0) - low * rate
    elements: list[svg.Element] = []
    for index, (label, value) in enumerate(bars):
        elements += _draw_row(index, label, value, (zero, rate), write_value(value), signed=low < 0)
    elements.append(
        svg.Line(x1=shorten(zero), x2=shorten(zero), y1=0, y2=height, class_=["chart-axis"])
    )
    return Chart(
        title=title,
        summary=summary,
        drawing=draw(name, title, summary, (WIDTH, height), elements),
        columns=columns,
        rows=[(label, write_value(value)) for label, value in bars],
    )


def _draw_row(
    index: int, label: str, value: float, scale: tuple[float, float], text: str, *, signed: bool
) -> list[svg.Element]:
    zero, rate = scale
    y, length = index * ROW + 4, abs(value) * rate
    start = zero if value >= 0 else zero - length
    kind = "bar" if not signed else "raises" if value > 0 else "lowers"
    bar = draw_box((start, y), (length, ROW - 8), kind)
    name = write(NAMES - 8, y + 12, label, "end")
    if value < 0:
        return [name, bar, write(start - 6, y + 12, text, "end")]
    return [name, bar, write(zero + length + 6, y + 12, text)]


def _scale(value: float, most: float, width: float) -> float:
    return shorten(width * min(1.0, max(0.0, value) / most)) if most > 0 else 0
