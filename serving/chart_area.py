"""How parts make up a whole over time, one on top of the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import svg

from serving.chart import (
    WIDTH,
    Chart,
    Plot,
    choose_ticks,
    draw,
    draw_axis,
    draw_box,
    draw_places,
    write,
)

HEIGHT = 220.0
SERIES = 8  # classes ``series-0`` … of the stylesheet
LEGEND = 150.0
TOLD = 0.1  # what a value's text tells apart


def draw_areas(
    name: str,
    words: tuple[str, str, str],
    labels: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    write_value: Callable[[float], str],
) -> Chart:
    """Stacked areas, the first series at the bottom, named to their right.

    Parameters
    ----------
    name : str
        Once on the page.
    words : (str, str, str)
        Title, summary, and header of the labels.
    labels : sequence of str
        Of the moments, the oldest first.
    series : sequence of (str, sequence of float)
        Name and a value at each moment, none below 0; at most `SERIES`, the rest summed before.
    write_value : callable
        A value as text.
    """
    title, summary, head = words
    floors = [[0.0] * len(labels)]
    for _, values in series:
        floors.append([low + value for low, value in zip(floors[-1], values, strict=True)])
    ticks = choose_ticks(max(floors[-1], default=1.0), unit=TOLD)
    plot = Plot(56, 10, WIDTH - LEGEND, HEIGHT - 26, ticks[0], ticks[-1], len(labels))
    elements: list[svg.Element] = [
        *draw_axis(plot, [(tick, write_value(tick)) for tick in ticks]),
        *(_draw_area(index, *pair, plot) for index, pair in enumerate(pairwise(floors))),
        *_draw_legend([one for one, _ in series], plot),
        *draw_places(plot, labels, most=6),
    ]
    return Chart(
        title=title,
        summary=summary,
        drawing=draw(name, title, summary, (WIDTH, HEIGHT), elements),
        columns=(head, *(one for one, _ in series)),
        rows=[
            (label, *(write_value(values[index]) for _, values in series))
            for index, label in enumerate(labels)
        ],
    )


def _draw_area(index: int, lows: list[float], highs: list[float], plot: Plot) -> svg.Element:
    there = [plot.point(place, high) for place, high in enumerate(highs)]
    back = [plot.point(place, low) for place, low in enumerate(lows)]
    return svg.Polygon(
        points=[*there, *reversed(back)], class_=["area", f"series-{index % SERIES}"]
    )


def _draw_legend(names: list[str], plot: Plot) -> list[svg.Element]:
    """Names in the order in which the areas lie, the uppermost first."""
    drawn: list[svg.Element] = []
    steps = accumulate([18.0] * len(names), initial=plot.top + 4)
    for (index, name), y in zip(reversed(list(enumerate(names))), steps, strict=False):
        corner = (plot.right + 12, y)
        box = draw_box(corner, (12, 12), "area", f"series-{index % SERIES}")
        drawn += [box, write(plot.right + 30, y + 10, name)]
    return drawn
