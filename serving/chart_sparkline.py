"""A few values in a row, as large as a word."""

from __future__ import annotations

from collections.abc import Sequence

import svg
from markupsafe import Markup

from serving.chart import Plot, draw_small

SIZE = (72.0, 22.0)
LEAST_SPAN = 0.2  # of shares: a change of a point must not look like a cliff


def draw_sparkline(values: Sequence[float | None], *, least: float = LEAST_SPAN) -> Markup:
    """The values as a line with a dot at its end; empty where there are fewer than two.

    Parameters
    ----------
    values : sequence of float or None
        The oldest first; None leaves a gap.
    least : float
        What the height stands for at least, in units of the values.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    middle, half = (max(known) + min(known)) / 2, max(max(known) - min(known), least) / 2
    width, height = SIZE
    plot = Plot(3, 3, width - 5, height - 3, middle - half, middle + half, len(values))
    lines: list[svg.Element] = [
        svg.Polyline(points=part, class_=["spark-line"]) for part in cut_points(values, plot)
    ]
    last = max(index for index, value in enumerate(values) if value is not None)
    dot = svg.Circle(cx=plot.x(last), cy=plot.y(known[-1]), r=2.5, class_=["spark-dot"])
    return draw_small("spark", SIZE, [*lines, dot])


def cut_points(values: Sequence[float | None], plot: Plot) -> list[list[svg.Point]]:
    """The points of each part without a gap that has two of them or more."""
    parts: list[list[svg.Point]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            parts.append([])
        else:
            parts[-1].append(plot.point(index, value))
    return [part for part in parts if len(part) > 1]
