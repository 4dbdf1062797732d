"""What the portfolio page shows, put together from a snapshot and the ones before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from models.alert import SEVERITIES, Severity
from models.playbook_action import PlaybookAction
from models.playbook_record import WITHIN, PlaybookRecord
from models.snapshot import SnapshotHeader, count_states
from serving.caller import LOCAL, Caller
from serving.cards import Cards
from serving.chart import Chart
from serving.chart_calendar import CalendarWords, Week, draw_calendar
from serving.entry import Outline
from serving.page import link_account
from serving.page_language import SOURCE, Language
from serving.portfolio_facet import find_facets
from serving.portfolio_figure import SOON_DAYS, Figures, Group, add_up, group_accounts
from serving.portfolio_ledger import Ledger, Previous
from serving.portfolio_query import DAYS, FIRST_SORT, PASSED, PortfolioQuery
from serving.portfolio_row import Parent, explain_changes, find_parents, make_rows, show_changes
from serving.portfolio_weak import WeakPlaces, find_weak_places
from serving.portfolio_work import measure_work
from serving.selection import Selection
from serving.shelf import Memory, Shelf

ROWS = 50
CHANGES = 5  # shown at once; the rest unfolds
MOST_CHANGES = 25


class Sorting(NamedTuple):
    """A column by which the table is sorted: which order stands first, and which second."""

    first: str
    second: str


SORTINGS = {
    "name": Sorting("name", "-name"),
    "owner": Sorting("owner", "-owner"),
    "arr": Sorting("-arr", "arr"),
    "decision_date": Sorting("decision_date", "-decision_date"),
    "loss_probability": Sorting("-loss_probability", "loss_probability"),
    "health_score": Sorting("health_score", "-health_score"),
    "arr_at_risk": Sorting("open", "arr_at_risk"),
}


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is shown; `first` and `last` count from 1."""

    page: int
    pages: int
    first: int
    last: int
    total: int


class PortfolioDesk:
    """Makes the page's parts, and remembers sums that do not depend on who asks in which words.

    Parameters
    ----------
    ledger : Ledger
    cards : Cards
    """

    def __init__(self, ledger: Ledger, cards: Cards) -> None:
        self._ledger, self._cards = ledger, cards
        self._figures: Memory[Figures] = Memory()
        self._work: Memory[PlaybookRecord] = Memory()
        self._offers: Memory[Mapping[str, Any]] = Memory()

    def prepare(self, shelf: Shelf) -> None:
        """Make what the first reader of the whole list needs; blocks on the store."""
        selection = PortfolioQuery(lists={}).select(shelf.header.as_of)
        accounts = [*shelf.outlines(selection, LOCAL.row_filter)]
        previous = self._ledger.previous(shelf.header)
        self._add_up(shelf, selection, LOCAL, accounts, previous)
        self._offer(shelf, LOCAL)
        self._ledger.growing(shelf, selection, LOCAL.row_filter)
        self._ledger.warned(shelf.header)

    def view(
        self,
        shelf: Shelf,
        caller: Caller,
        query: PortfolioQuery,
        language: Language,
        *,
        is_stale: bool,
        record: object = None,
        actions: Sequence[PlaybookAction] | None = None,
    ) -> dict[str, object]:
        """What the template shows; blocks on the store.

        Parameters
        ----------
        shelf : Shelf
            The snapshot.
        caller : Caller
            Who reads it.
        query : PortfolioQuery
        language : Language
        is_stale : bool
            Whether the snapshot is older than it should get.
        record : object
            What became of the accounts of an earlier snapshot; None while it is too early.
        actions : sequence of PlaybookAction or None
            Everything that was done with playbooks; None where nobody can tell.
        """
        header, ledger = shelf.header, self._ledger
        selection = query.select(header.as_of)
        accounts = [*shelf.outlines(selection, caller.row_filter)]
        previous = ledger.previous(header)
        figures = self._add_up(shelf, selection, caller, accounts, previous)
        sees_all = caller.row_filter.is_everything
        return {
            "header": header,
            "last_day": header.data_end and header.data_end - timedelta(1),
            "is_stale": is_stale,
            "record": record,
            "people": caller.may("people:read"),
            "sees_all": sees_all,
            "query": query,
            "figures": figures,
            "soon_days": SOON_DAYS,
            "passed": PASSED,
            "day_choices": DAYS,
            "sortings": SORTINGS,
            "first_sort": FIRST_SORT,
            "weak": self._find_weak(header),
            "star": self._name_star(header.snapshot_id),
            "phrases": ledger.phrases(header, language),
            "rules_by_severity": self._group_rules(header.snapshot_id),
            "warned_since": ledger.warned(header).since,
            "work": self._measure(shelf, selection, caller, accounts, actions),
            "act_within": WITHIN,
            "previous": previous and previous.header,
            "models_changed": previous is not None and _has_new_model(shelf, previous),
            "calendar": draw_decisions(figures, language, header.currency),
            "growing": ledger.growing(shelf, selection, caller.row_filter),
            "link_account": link_account,
            # About the whole company, so not for who sees a part of it.
            "forecast": ledger.document(header.snapshot_id, "forecast") if sees_all else None,
            "titles": self._read_titles(header.snapshot_id, language),
            **self._offer(shelf, caller),
            **self._list(shelf, caller, query, accounts),
            **self._explain(shelf, figures, previous),
        }

    def _read_titles(self, snapshot_id: str, language: Language) -> dict[str, str]:
        """What rules of warnings and playbooks are called, by their names."""
        found = {}
        for document in ("warnings", "playbooks"):
            for one in self._ledger.document(snapshot_id, document) or ():
                title = one["title"]
                found[one["name"]] = title.get(language.code) or title[SOURCE]
        return found

    def _add_up(
        self,
        shelf: Shelf,
        selection: Selection,
        caller: Caller,
        accounts: Sequence[Outline],
        previous: Previous | None,
    ) -> Figures:
        key = (shelf.snapshot_id, selection.fingerprint, caller.row_filter.fingerprint)
        rules = self._ledger.document(shelf.snapshot_id, "warnings") or ()
        severity_of = {one["name"]: one["severity"] for one in rules}
        return self._figures.get(
            key, lambda: add_up(accounts, shelf.header.as_of, previous, severity_of)
        )

    def _find_weak(self, header: SnapshotHeader) -> WeakPlaces:
        """Where the models are weak, for marks in the table."""
        cards = {name: self._cards.read(header, name) for name in header.models}
        return find_weak_places({name: card.metrics for name, card in cards.items() if card})

    def _group_rules(self, snapshot_id: str) -> dict[Severity, tuple[str, ...]]:
        """Rules of warnings by severity, the most pressing first."""
        rules = self._ledger.document(snapshot_id, "warnings") or ()
        found = {
            severity: tuple(one["name"] for one in rules if one["severity"] == severity)
            for severity in SEVERITIES
        }
        return {severity: names for severity, names in found.items() if names}

    def _name_star(self, snapshot_id: str) -> Mapping[str, Any] | None:  # Any: JSON
        """What the north star is; None where the company has none."""
        told = self._ledger.document(snapshot_id, "health")
        return told["north_star"] if told else None

    def _measure(
        self,
        shelf: Shelf,
        selection: Selection,
        caller: Caller,
        accounts: Sequence[Outline],
        actions: Sequence[PlaybookAction] | None,
    ) -> PlaybookRecord | None:
        """How the warnings of a list were acted on; found anew when something was done."""
        if actions is None:
            return None
        today = datetime.now(UTC).date()
        newest = actions[0].action_id if actions else None
        key = (
            shelf.snapshot_id, selection.fingerprint, caller.row_filter.fingerprint,
            today, len(actions), newest,
        )  # fmt: skip

        def measure() -> PlaybookRecord:
            warned = self._ledger.warned(shelf.header).found
            ids = {one.account_id for one in accounts}
            return measure_work(warned, actions, ids, today=today)

        return self._work.get(key, measure)

    def _offer(self, shelf: Shelf, caller: Caller) -> Mapping[str, Any]:
        """The choices of the filters, and the states that occur with their numbers."""
        people = caller.may("people:read")

        def find() -> Mapping[str, Any]:
            visible = [*shelf.outlines(Selection(), caller.row_filter)]
            return {
                "facets": find_facets(visible, people=people),
                "states": count_states(visible),
                "visible": len(visible),
            }

        return self._offers.get((shelf.snapshot_id, caller.row_filter.fingerprint, people), find)

    def _list(
        self, shelf: Shelf, caller: Caller, query: PortfolioQuery, accounts: Sequence[Outline]
    ) -> dict[str, object]:
        """The part of the table that is asked for: accounts, or groups of them."""
        if query.group_by is None:
            paging = cut_page(len(accounts), query.page)
            part = accounts[paging.first - 1 : paging.last] if paging.total else []
            rows = make_rows(self._ledger, shelf, caller, part, paging.first - 1)
            return {"rows": rows, "groups": None, "parents": {}, "paging": paging}
        groups = _group(accounts, query)
        paging = cut_page(len(groups), query.page)
        shown = groups[paging.first - 1 : paging.last] if paging.total else []
        parents: dict[str, Parent] = {}
        if query.group_by == "parent":
            parents = find_parents(shelf, caller.row_filter, [one.name for one in shown])
        return {"rows": [], "groups": shown, "parents": parents, "paging": paging}

    def _explain(
        self, shelf: Shelf, figures: Figures, previous: Previous | None
    ) -> dict[str, object]:
        movement = figures.movement
        if movement is None or previous is None:
            return {"customer_changes": [], "model_changes": [], "shown_changes": CHANGES}
        return {
            "shown_changes": CHANGES,
            "customer_changes": explain_changes(
                self._ledger, shelf.header, previous, movement.customers[:MOST_CHANGES]
            ),
            "model_changes": show_changes(self._ledger, shelf.header, movement.models[:CHANGES]),
        }


def draw_decisions(figures: Figures, language: Language, currency: str | None) -> Chart | None:
    """The decision calendar; None where there is nothing to decide on known days."""
    weeks = figures.weeks
    if not any(week.all.accounts for week in weeks):
        return None
    text, formats = language.text, language.formats
    has_money = any(week.all.arr for week in weeks)

    def amount(value: float) -> str:
        return formats.money(value, currency) if has_money else formats.count(value)

    drawn = [
        Week(
            formats.short_day(week.first),
            (week.all.arr or 0.0) if has_money else week.all.accounts,
            (week.high.arr or 0.0) if has_money else week.high.accounts,
            formats.count(week.all.accounts),
        )
        for week in weeks
    ]
    busiest = max(drawn, key=lambda week: week.total)
    words = CalendarWords(
        title=text("Decisions of the next 12 weeks"),
        summary=text("The week from %(day)s has the most to decide: %(amount)s.")
        % {"day": busiest.label, "amount": amount(busiest.total)},
        columns=(
            text("Week from"),
            text("To decide"),
            text("of which high tier"),
            text("Contracts"),
        ),
        plain=text("ARR to decide") if has_money else text("Contracts to decide"),
        hatched=text("of which high tier"),
        write=amount,
    )
    return draw_calendar("decisions", drawn, words, unit=0.0 if has_money else 1.0)


def cut_page(total: int, page: int) -> Paging:
    """The part of a list on a page; after the last page, the last one."""
    pages = max(1, -(-total // ROWS))
    shown = min(page, pages)
    first = (shown - 1) * ROWS + 1
    return Paging(shown, pages, first if total else 0, min(total, shown * ROWS), total)


def _group(accounts: Sequence[Outline], query: PortfolioQuery) -> list[Group]:
    if query.group_by == "owner":
        return group_accounts(accounts, lambda one: one.owner)
    heads = {one.parent_id for one in accounts if one.parent_id}

    def head_of(account: Outline) -> str | None:
        # An account that heads others belongs to its own group; one that stands alone to none.
        return account.parent_id or (account.account_id if account.account_id in heads else None)

    return group_accounts(accounts, head_of)


def _has_new_model(shelf: Shelf, previous: Previous) -> bool:
    speaking = {name for name, use in shelf.header.models.items() if use}
    return any(name in speaking and voice != "same" for name, voice in previous.voices.items())
