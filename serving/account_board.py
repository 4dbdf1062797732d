"""The board of an account as its page shows it: company, modules and features, people, records.

It is made of the published document alone, see `models.board`. What the company's tables do not
tell is said in words, and never shown as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

from models.board import Board
from serving.account_people import show_people
from serving.account_record import show_records
from serving.account_use import show_company, show_features, show_modules
from serving.board_part import Part
from serving.page_language import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardView:
    """What ``account_board.html`` shows.

    Parameters
    ----------
    last_day : date or None
        The last one that is known; None where the document does not say.
    siblings : int or None
        Other customers under the same parent.
    use, records : sequence of Part
        Parts that take the page's width, and those that stand beside each other.
    """

    last_day: date | None
    siblings: int | None
    use: Sequence[Part]
    records: Sequence[Part]


def show_board(board: Board, language: Language, *, people: bool) -> BoardView:
    """The board in a language.

    Parameters
    ----------
    board : Board
        As it was published.
    language : Language
    people : bool
        Whether the reader may see names of people; user ids stand in their place.
    """
    # What an older Keepwell did not publish is as little known as what no table tells.
    board = cast(Board, {**dict.fromkeys(Board.__annotations__), **board})
    as_of = cast("str | None", board["as_of"])
    return BoardView(
        last_day=None if as_of is None else date.fromisoformat(as_of) - timedelta(1),
        siblings=board["siblings"],
        use=(
            show_company(board, language),
            show_modules(board, language),
            show_features(board, language),
            show_people(board, language, people=people),
        ),
        records=show_records(board, language),
    )
