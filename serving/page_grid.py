"""A table of texts for the template ``grid.html``: what a page lists without sorting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table with its words.

    Parameters
    ----------
    caption : str
        What it lists, in the reader's language.
    columns : sequence of str
        Headers.
    rows : sequence of sequences of str
        Cells, formatted; the first of a row heads it. Markup stays markup, text is escaped.
    numbers : frozenset of int
        Places of the columns of figures, which stand to the right.
    shades : sequence of sequences of int, or None
        A class ``heat-0`` to ``heat-4`` of each cell after the first of a row; it only repeats what
        the cell says. A place below 0 has none.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: frozenset[int] = frozenset()
    shades: Sequence[Sequence[int]] | None = None
