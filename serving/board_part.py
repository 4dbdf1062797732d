"""What the parts of an account's board have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from serving.chart import Chart
from serving.page_format import MISSING
from serving.page_grid import Grid
from serving.page_language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a board.

    Parameters
    ----------
    name : str
        Once on the page, without white space.
    title : str
    notes : sequence of str
        Sentences before its charts.
    charts : sequence of Chart
    grid : Grid or None
    rest : Grid or None
        What unfolds on demand.
    folded : sequence of Chart
        Those that unfold on demand.
    """

    name: str
    title: str
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    grid: Grid | None = None
    rest: Grid | None = None
    folded: Sequence[Chart] = ()


def split_grid(grid: Grid, most: int) -> tuple[Grid, Grid | None]:
    """A table's first rows, and the others, which unfold."""
    if len(grid.rows) <= most:
        return grid, None
    return replace(grid, rows=grid.rows[:most]), replace(grid, rows=grid.rows[most:])


def write_day(text: str | None, language: Language) -> str:
    """A day of the document."""
    return MISSING if text is None else language.formats.day(date.fromisoformat(text))


def write_count(number: float | None, language: Language) -> str:
    """A whole number; a dash where it is not known."""
    return MISSING if number is None else language.formats.count(number)


def write_change(now: float, before: float, language: Language) -> str:
    """How far a figure moved, as percent of what it was; in words where it was nothing."""
    if before:
        return language.formats.change(now / before - 1)
    return language.text("new") if now else MISSING
