"""What the page on modules and cohorts is made of, read once for a snapshot and a row filter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.cohort_page import lose_by_reason
from models.feedback_store import FeedbackStore
from models.life import Life
from models.page_reader import PageReader
from models.row_filter import RowFilter
from models.snapshot_reader import SnapshotReader
from serving.caller import Caller
from serving.modules_study import Study, find_modules, study
from serving.modules_view import (
    draw_adoption,
    draw_funnel,
    list_adoption,
    list_contacts,
    list_funnels,
    list_losses,
    list_retention,
    list_warnings,
)
from serving.page_language import SOURCE, Language
from serving.selection import Selection
from serving.shelf import Memory, Shelf


class ModulesDesk:
    """Makes the page's parts; blocks on the stores.

    Parameters
    ----------
    reader : SnapshotReader
    feedback : FeedbackStore or None
        Where people say why accounts were lost; None where the service keeps nothing.
    """

    def __init__(self, reader: SnapshotReader, feedback: FeedbackStore | None) -> None:
        self._pages = PageReader(reader)
        self._feedback = feedback
        self._studies: Memory[tuple[Study | None]] = Memory()
        self._documents: Memory[Any] = Memory()  # Any: JSON

    def view(
        self, shelf: Shelf, caller: Caller, language: Language, *, is_stale: bool
    ) -> dict[str, object]:
        """What the template shows.

        Parameters
        ----------
        shelf : Shelf
            The snapshot.
        caller : Caller
            Who reads it.
        language : Language
        is_stale : bool
            Whether the snapshot is older than it should get.
        """
        header, sees_all = shelf.header, caller.row_filter.is_everything
        found = self._study(shelf, caller.row_filter)
        record = self._document(shelf.snapshot_id, "warning_record") if sees_all else None
        titles = self._read_titles(shelf.snapshot_id, language)
        return {
            "header": header,
            "is_stale": is_stale,
            "sees_all": sees_all,
            "study": found,
            "record": record,
            "keeps_reasons": self._feedback is not None,
            **({} if found is None else self._show(found, header.currency, language)),
            "warnings": list_warnings(
                {} if found is None else found.warnings, record, titles, language
            ),
        }

    def _show(self, found: Study, currency: str | None, language: Language) -> dict[str, object]:
        reasons: Mapping[str, str] = {}
        if self._feedback is not None and found.lost:
            reasons = self._feedback.latest_loss_reasons()
        return {
            "adoption_chart": draw_adoption(found, language),
            "adoption": list_adoption(found, language),
            "retention": list_retention(found, language),
            "funnel_chart": draw_funnel(found, language),
            "funnels": list_funnels(found, language),
            "contacts": list_contacts(found, language),
            "losses": list_losses(lose_by_reason(found.lost, reasons), currency, language),
            "losses_told": sum(life.account_id in reasons for life in found.lost),
        }

    def _study(self, shelf: Shelf, allowed: RowFilter) -> Study | None:
        """The figures under a row filter; None where no lives were published."""
        key = (shelf.snapshot_id, allowed.fingerprint)
        return self._studies.get(key, lambda: (self._read_study(shelf, allowed),))[0]

    def _read_study(self, shelf: Shelf, allowed: RowFilter) -> Study | None:
        as_of, lives = shelf.header.as_of, self._pages.lives(shelf.snapshot_id)
        if as_of is None or not lives:
            return None
        marks = (one.open_warnings for one in shelf.outlines(Selection(), allowed))
        seen = [life for life in lives if allowed.admits(life)]
        return study(seen, as_of, find_modules(lives, self._list_modules(shelf, lives)), marks)

    def _list_modules(self, shelf: Shelf, lives: Sequence[Life]) -> list[str]:
        """The modules that boards name, also those that nobody uses: every board names all."""
        one = next((life.account_id for life in lives if life.modules_used is not None), None)
        board = None if one is None else self._pages.board(shelf.snapshot_id, one)
        return [] if board is None else [part["module"] for part in board["modules"] or ()]

    def _read_titles(self, snapshot_id: str, language: Language) -> Mapping[str, str]:
        """What rules of warnings are called, by their names."""
        return {
            one["name"]: one["title"].get(language.code) or one["title"][SOURCE]
            for one in self._document(snapshot_id, "warnings") or ()
        }

    def _document(self, snapshot_id: str, name: str) -> Any:  # Any: JSON
        read: Callable[[], Any] = lambda: self._pages.document(snapshot_id, name)  # noqa: E731
        return self._documents.get((snapshot_id, name), read)
