"""What all charts share: SVG by the library, words for those who do not see it, data as a table.

How a chart looks is told by classes and the stylesheet; a ``style`` attribute would be blocked by
the pages' policy. The library writes texts and attributes as they come: texts go through `write`
and `draw`, which escape them, and no attribute is made of a text of a user.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import svg
from markupsafe import Markup, escape

WIDTH = 640.0  # units of the drawing, about pixels on a wide screen
TICKS = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing with its words and its data, for the template macro ``figure``.

    Parameters
    ----------
    title, summary : str
        What it shows, and what it says, in the reader's language.
    drawing : Markup
        The ``svg`` element.
    columns : sequence of str
        Headers of the table of its data.
    rows : sequence of sequences of str
        Its cells, formatted; the first of a row heads it.
    """

    title: str
    summary: str
    drawing: Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plot:
    """The rectangle that data is drawn into, and the values at its edges.

    Parameters
    ----------
    left, top, right, bottom : float
        Units of the drawing, from its upper left corner.
    low, high : float
        Values at the bottom and at the top.
    count : int
        Places along the horizontal axis.
    """

    left: float
    top: float
    right: float
    bottom: float
    low: float
    high: float
    count: int

    def x(self, index: float) -> float:
        """Where the value at a place stands: the first at the left edge, the last at the right."""
        if self.count < 2:
            return shorten((self.left + self.right) / 2)
        return shorten(self.left + (self.right - self.left) * index / (self.count - 1))

    def y(self, value: float) -> float:
        """Where a value stands."""
        span = self.high - self.low or 1.0
        return shorten(self.bottom - (self.bottom - self.top) * (value - self.low) / span)

    def point(self, index: float, value: float) -> svg.Point:
        """Where a value at a place stands."""
        return svg.Point(self.x(index), self.y(value))


def draw(
    name: str, title: str, summary: str, size: tuple[float, float], elements: list[svg.Element]
) -> Markup:
    """A drawing that screen readers read as one picture.

    Parameters
    ----------
    name : str
        Of the chart, once on its page; its ids begin with it. No text of a user.
    title, summary : str
        See `Chart`.
    size : (float, float)
        Width and height.
    elements : list of svg.Element
    """
    words: list[svg.Element] = [
        svg.Title(id=f"{name}-title", text=str(escape(title))),
        svg.Desc(id=f"{name}-desc", text=str(escape(summary))),
    ]
    return Markup(
        svg.SVG(
            class_=["chart"],
            viewBox=svg.ViewBoxSpec(0, 0, *map(shorten, size)),
            extra={"role": "img", "aria-labelledby": f"{name}-title {name}-desc"},
            elements=words + elements,
        )
    )


def draw_small(kind: str, size: tuple[float, float], elements: list[svg.Element]) -> Markup:
    """A drawing beside the figure that it shows, which screen readers pass over."""
    return Markup(
        svg.SVG(
            class_=[kind],
            viewBox=svg.ViewBoxSpec(0, 0, *map(shorten, size)),
            extra={"aria-hidden": "true", "focusable": "false"},
            elements=elements,
        )
    )


def write(x: float, y: float, text: str, *classes: str) -> svg.Text:
    """An escaped text; classes ``middle`` and ``end`` say which part of it stands at the point."""
    return svg.Text(x=shorten(x), y=shorten(y), text=str(escape(text)), class_=[*classes])


def draw_box(
    corner: tuple[float, float], size: tuple[float, float], *classes: str, fill: str | None = None
) -> svg.Rect:
    """A rectangle from its upper left corner, width and height; `fill` names a pattern."""
    (x, y), (width, height) = corner, size
    return svg.Rect(
        x=shorten(x),
        y=shorten(y),
        width=shorten(width),
        height=shorten(height),
        class_=list(classes) or None,
        fill=fill,
    )


def choose_ticks(high: float, *, low: float = 0.0, unit: float = 0.0) -> list[float]:
    """Round values from at or below `low` to at or above `high`, about `TICKS` of them.

    Parameters
    ----------
    high, low : float
    unit : float
        The least difference that their texts tell; steps are multiples of it. 0: any.
    """
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return [low, low + 1.0]
    raw = span / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(one * power for one in _STEPS if one * power >= raw * (1 - 1e-9))
    if unit and not math.isclose(step / unit, max(1, round(step / unit))):
        # Above the unit only 2.5 of them is none of its multiples; the next step is 5.
        step = max(unit, 2 * step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def shorten(number: float) -> float:
    """A coordinate to a tenth: what a screen shows, in few bytes."""
    rounded = round(number, 1)
    return int(rounded) if rounded == int(rounded) else rounded


def choose_labels(count: int, most: int) -> range:
    """Places that are labelled where there is no room for all, the last one among them."""
    step = max(1, math.ceil(count / most))
    return range((count - 1) % step, count, step)


def draw_axis(plot: Plot, ticks: Sequence[tuple[float, str]]) -> list[svg.Element]:
    """Horizontal lines at round values, with these to their left."""
    drawn: list[svg.Element] = []
    for value, text in ticks:
        y = plot.y(value)
        line = svg.Line(
            x1=shorten(plot.left), x2=shorten(plot.right), y1=y, y2=y, class_=["chart-grid"]
        )
        drawn += [line, write(plot.left - 6, y + 4, text, "end")]
    return drawn


def draw_places(plot: Plot, labels: Sequence[str], *, most: int = 8) -> list[svg.Element]:
    """The texts below the horizontal axis."""
    last = len(labels) - 1
    return [
        write(plot.x(place), plot.bottom + 16, labels[place], "end" if place == last else "middle")
        for place in choose_labels(len(labels), most)
    ]
