"""An amount for each week to come, a part of it hatched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import svg

from serving.chart import Chart, Plot, choose_ticks, draw, draw_axis, draw_box, write

WIDTH = 960.0  # a row of its own
HEIGHT = 190.0
LEFT = 64.0
KEY = (12.0, 12.0)


@dataclass(frozen=True, slots=True)
class Week:
    """One week.

    Parameters
    ----------
    label : str
        Of its first day.
    total, hatched : float
        The amount, and the part of it that is hatched.
    note : str
        What the table says beside them, such as a number of contracts.
    """

    label: str
    total: float
    hatched: float
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWords:
    """Texts of a calendar, in the reader's language.

    Parameters
    ----------
    title, summary : str
    columns : (str, str, str, str)
        Headers of week, amount, hatched part and note.
    plain, hatched : str
        What the two kinds of bars mean.
    write : callable
        An amount as text.
    """

    title: str
    summary: str
    columns: tuple[str, str, str, str]
    plain: str
    hatched: str
    write: Callable[[float], str]


def draw_calendar(
    name: str, weeks: Sequence[Week], words: CalendarWords, *, unit: float = 0.0
) -> Chart:
    """Bars of the weeks; hatched parts at the bottom, where they are compared best.

    Parameters
    ----------
    name : str
        Once on the page.
    weeks : sequence of Week
    words : CalendarWords
    unit : float
        The least difference between two amounts, 1 where they are counted; 0: any.
    """
    ticks = choose_ticks(max((week.total for week in weeks), default=0.0) or 1.0, unit=unit)
    plot = Plot(LEFT, 28, WIDTH - 8, HEIGHT - 24, ticks[0], ticks[-1], len(weeks))
    pattern = f"{name}-hatch"
    elements: list[svg.Element] = [
        _make_hatch(pattern),
        *_draw_legend(words, pattern),
        *draw_axis(plot, [(tick, words.write(tick)) for tick in ticks]),
    ]
    step = (plot.right - plot.left) / max(1, len(weeks))
    for index, week in enumerate(weeks):
        elements += _draw_week(week, plot.left + index * step, step, plot, pattern)
    return Chart(
        title=words.title,
        summary=words.summary,
        drawing=draw(name, words.title, words.summary, (WIDTH, HEIGHT), elements),
        columns=words.columns,
        rows=[
            (week.label, words.write(week.total), words.write(week.hatched), week.note)
            for week in weeks
        ],
    )


def _draw_week(week: Week, left: float, step: float, plot: Plot, pattern: str) -> list[svg.Element]:
    x, width = left + step * 0.18, step * 0.64
    drawn: list[svg.Element] = []
    if week.total > 0:
        top = plot.y(week.total)
        drawn.append(draw_box((x, top), (width, plot.bottom - top), "bar"))
    if week.hatched > 0:
        top = plot.y(week.hatched)
        drawn += _draw_hatched((x, top), (width, plot.bottom - top), pattern)
    drawn.append(write(left + step / 2, plot.bottom + 16, week.label, "middle"))
    return drawn


def _make_hatch(pattern: str) -> svg.Element:
    line = svg.Line(x1=0, y1=0, x2=0, y2=6, class_=["hatch"])
    return svg.Defs(
        elements=[
            svg.Pattern(
                id=pattern, width=6, height=6, patternUnits="userSpaceOnUse",
                patternTransform=[svg.Rotate(45)], elements=[line],
            )
        ]
    )  # fmt: skip


def _draw_legend(words: CalendarWords, pattern: str) -> list[svg.Element]:
    return [
        draw_box((LEFT, 4), KEY, "bar"),
        write(LEFT + 18, 14, words.plain),
        *_draw_hatched((LEFT + 200, 4), KEY, pattern),
        write(LEFT + 218, 14, words.hatched),
    ]


def _draw_hatched(
    corner: tuple[float, float], size: tuple[float, float], pattern: str
) -> list[svg.Element]:
    return [draw_box(corner, size, "hatched"), draw_box(corner, size, fill=f"url(#{pattern})")]
