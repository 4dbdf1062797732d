"""The ranked list of accounts, and what it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import orjson
from fastapi import Depends, Query, Request
from starlette.responses import Response

from models.account_score import State, Tier
from models.row_filter import RowFilter
from models.snapshot_diff import POINT
from serving.caller import Caller
from serving.change import Changes, render_gone
from serving.cursor import Cursor, decode_cursor, mark_list
from serving.endpoint import GUARDED, fails, get_shelf, get_shelves, make_router, require
from serving.entry import Entry
from serving.example import PAGE_OF_ACCOUNTS, PORTFOLIO
from serving.parameter import (
    MOST_VALUES,
    PAGE,
    CursorText,
    Day,
    Id,
    Limit,
    Reader,
    Rule,
    SnapshotId,
)
from serving.problem import SNAPSHOT_GONE, RequestError, field_fault
from serving.rendering import NULL
from serving.reply import reply
from serving.response_list import AccountPage, FamilyPage, PortfolioAnswer
from serving.selection import Selection, Sort
from serving.shelf import Shelf
from serving.shelves import Shelves
from serving.stored_shelf import RemovedError

router = make_router("accounts")

SAID_NOTHING = render_gone(None, None)
AGAIN = "Start again without a cursor: the list is then read from the current snapshot."
WHOLE = "Read the whole list: without that snapshot it cannot be told what changed since."


def _any_of(description: str) -> object:
    return Query(description=f"{description}; any of them", max_length=MOST_VALUES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of the list a request is for."""

    selection: Selection
    by_parent: bool
    changed_since: str | None
    points: float

    def mark(self, caller: Caller) -> str:
        """What ties a cursor to this list and this reader.

        The reader's key stands for its row filter, see `Shelf.tag`.
        """
        return mark_list(
            caller.key_id,
            self.selection.fingerprint,
            self.by_parent,
            self.changed_since,
            self.points,
        )


async def read_asked(
    caller: Reader,
    segment: Annotated[list[Id], _any_of("Segments")] = [],  # noqa: B006  FastAPI copies it
    account_tier: Annotated[list[Id], _any_of("Account tiers")] = [],  # noqa: B006
    owner: Annotated[list[Id], _any_of("Owners; needs people:read")] = [],  # noqa: B006
    region: Annotated[list[Id], _any_of("Regions")] = [],  # noqa: B006
    parent_id: Annotated[list[Id], _any_of("Parents' ids")] = [],  # noqa: B006
    risk_tier: Annotated[list[Tier], _any_of("Risk tiers")] = [],  # noqa: B006
    state: Annotated[list[State], _any_of("States")] = [],  # noqa: B006
    warning: Annotated[list[Rule], _any_of("Rules of early warnings that stand")] = [],  # noqa: B006
    decision_after: Annotated[
        Day | None, Query(description="Decision date after this day; none has none")
    ] = None,
    decision_before: Annotated[Day | None, Query(description="Before this day")] = None,
    sort: Annotated[
        Sort,
        Query(
            description="`rank`: by ARR at risk, then loss probability. Else a field, descending "
            "with `-`. Ties go by account id, null comes last"
        ),
    ] = "rank",
    group_by: Annotated[
        Literal["parent"] | None, Query(description="Sums by parent instead of accounts")
    ] = None,
    changed_since: Annotated[
        SnapshotId | None,
        Query(
            description="Id of an earlier snapshot: only accounts whose tier, state, top driver, "
            "basis, decision date, ARR, external id or probability changed since, and those that "
            "are gone"
        ),
    ] = None,
    min_change: Annotated[
        float,
        Query(description="From which a probability has changed", ge=0.0001, le=1),
    ] = POINT,
) -> Asked:
    """What the query asks for.

    Raises
    ------
    RequestError
        It filters by a person's name without the scope for that, or groups changes.
    """
    if owner:
        require(caller, "people:read")
    if group_by and (changed_since or sort != "rank"):
        name = "changed_since" if changed_since else "sort"
        fault = field_fault(("query", name), "Cannot be used with group_by")
        raise RequestError.of_fields([fault])
    of = {
        "segment": segment,
        "account_tier": account_tier,
        "owner": owner,
        "region": region,
        "parent_id": parent_id,
    }
    return Asked(
        selection=Selection(
            of=RowFilter({name: values for name, values in of.items() if values}),
            risk_tier=tuple(sorted(set(risk_tier))),
            state=tuple(sorted(set(state))),
            warning=tuple(sorted(set(warning))),
            decision_after=decision_after,
            decision_before=decision_before,
            sort=sort,
        ),
        by_parent=group_by is not None,
        changed_since=changed_since,
        points=min_change,
    )


@router.get(
    "/v1/accounts",
    operation_id="list_accounts",
    summary="Accounts by ARR at risk",
    responses={
        **GUARDED,
        **fails(410),
        200: {
            "model": AccountPage | FamilyPage,
            "content": {"application/json": {"example": PAGE_OF_ACCOUNTS}},
        },
    },
)
async def list_accounts(
    request: Request,
    caller: Reader,
    asked: Annotated[Asked, Depends(read_asked)],
    limit: Limit = PAGE,
    cursor: CursorText = None,
) -> Response:
    """The ranking: highest ARR at risk first, then highest loss probability, then account id.

    A cursor belongs to its snapshot, its key and its list: a list that was begun is read to its end
    from the same snapshot, also when another has been published meanwhile; 410 says to start again.
    """
    try:
        body = await _render_list(request, caller, asked, limit, cursor)
    except RemovedError:
        raise RequestError(SNAPSHOT_GONE, AGAIN) from None
    return await reply(request, body)


async def _render_list(
    request: Request, caller: Caller, asked: Asked, limit: int, cursor: str | None
) -> bytes:
    shelves = get_shelves(request)
    mark = asked.mark(caller)
    shelf, start = await _find_place(request, cursor, mark)
    if asked.by_parent:
        return await _render_families(shelves, shelf, asked, caller, (start, limit, mark))
    if asked.changed_since is None:
        entries = await shelves.ask(
            shelf,
            lambda: shelf.page(asked.selection, caller.row_filter, start=start, limit=limit + 1),
        )
        return _render_accounts(shelves, shelf, caller, entries, (start, limit, mark), SAID_NOTHING)
    changes = await _find_changes(shelves, shelf, asked, caller)
    ids = changes.ids[start : start + limit + 1]
    found = await shelves.ask(shelf, lambda: shelf.find_many(ids, external=False))
    entries = [entry for entry in found if entry is not None]
    gone = changes.gone if start == 0 else SAID_NOTHING
    return _render_accounts(shelves, shelf, caller, entries, (start, limit, mark), gone)


@router.get(
    "/v1/portfolio",
    operation_id="get_portfolio",
    summary="Counts and money of all accounts",
    responses={
        **GUARDED,
        200: {
            "model": PortfolioAnswer,
            "content": {"application/json": {"example": PORTFOLIO}},
        },
    },
)
async def get_portfolio(request: Request, caller: Reader) -> Response:
    """Totals over the accounts that the caller may see, in the current snapshot."""
    shelf, shelves = await get_shelf(request), get_shelves(request)
    found = await shelves.ask(shelf, lambda: shelf.portfolio(caller.row_filter))
    told = {
        "currency": shelf.header.currency,
        "accounts": found.accounts,
        "states": found.states,
        "risk_tiers": found.risk_tiers,
        **asdict(found.totals),
    }
    return await reply(request, _join(shelves, shelf, orjson.dumps(told)[1:]))


async def _find_place(request: Request, cursor: str | None, mark: str) -> tuple[Shelf, int]:
    """The snapshot that a list is read from, and how much of it was read already."""
    if cursor is None:
        return await get_shelf(request), 0
    place = decode_cursor(cursor)
    if place is None or place.mark != mark:
        expected = "Must be the next_cursor of an earlier answer"
        if place is not None:
            expected += " to the same key with the same parameters"
        raise RequestError.of_fields([field_fault(("query", "cursor"), expected)])
    shelf = await get_shelves(request).find(place.snapshot_id)
    if shelf is None:
        raise RequestError(SNAPSHOT_GONE, AGAIN)
    return shelf, place.start


async def _find_changes(shelves: Shelves, shelf: Shelf, asked: Asked, caller: Caller) -> Changes:
    assert asked.changed_since is not None
    changes = await shelves.changes(
        shelf, asked.changed_since, asked.selection, caller.row_filter, points=asked.points
    )
    if changes is None:
        raise RequestError(SNAPSHOT_GONE, WHOLE)
    return changes


def _render_accounts(
    shelves: Shelves,
    shelf: Shelf,
    caller: Caller,
    entries: Sequence[Entry],
    place: tuple[int, int, str],
    gone: bytes,
) -> bytes:
    people = caller.may("people:read")
    limit = place[1]
    rows = b",".join(
        b"".join((entry.row, entry.owner_json if people else NULL, b"}"))
        for entry in entries[:limit]
    )
    return _join(
        shelves,
        shelf,
        b"".join((b'"accounts":[', rows, b"],", gone)),
        _next(shelf, len(entries) > limit, place),
    )


async def _render_families(
    shelves: Shelves, shelf: Shelf, asked: Asked, caller: Caller, place: tuple[int, int, str]
) -> bytes:
    start, limit, _ = place
    families = await shelves.ask(shelf, lambda: shelf.families(asked.selection, caller.row_filter))
    told = {
        "currency": shelf.header.currency,
        "families": [asdict(family) for family in families[start : start + limit]],
    }
    return _join(
        shelves,
        shelf,
        orjson.dumps(told)[1:-1] + b",",
        _next(shelf, len(families) > start + limit, place),
    )


def _next(shelf: Shelf, more: bool, place: tuple[int, int, str]) -> bytes:
    """The last fields of a page, with the brace that ends it."""
    start, limit, mark = place
    cursor = Cursor(shelf.snapshot_id, start + limit, mark).encode() if more else None
    return orjson.dumps({"has_more": more, "next_cursor": cursor})[1:]


def _join(shelves: Shelves, shelf: Shelf, *parts: bytes) -> bytes:
    """A document that begins with the fields of the snapshot."""
    head = shelf.stale_json if shelves.is_stale(shelf) else shelf.fresh_json
    return b"".join((b"{", head, b",", *parts))
