"""The endpoints. They block on the store, so they are plain functions that run in threads."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from models.snapshot_check import ID_LENGTH
from models.store import SnapshotStore
from serving.cursor import MAX_LENGTH, Cursor, decode_cursor
from serving.example import ACCOUNT_RISK
from serving.fault import field_fault
from serving.problem import (
    INVALID_REQUEST,
    NO_SNAPSHOT,
    SNAPSHOT_GONE,
    UNKNOWN_ACCOUNT,
    ProblemDocument,
    RequestError,
)
from serving.response import (
    AccountPage,
    AccountRisk,
    Liveness,
    Readiness,
    account_page,
    account_risk,
)

router = APIRouter()

NO_NUL = r"^[^\x00]*$"  # PostgreSQL keeps no such text
PAGE = 50
LARGEST_PAGE = 500


def get_store(request: Request) -> SnapshotStore:
    """The store that the application reads."""
    store = request.app.state.store
    assert isinstance(store, SnapshotStore)
    return store


Store = Annotated[SnapshotStore, Depends(get_store)]
AccountId = Annotated[
    str,
    Path(
        description="As in the accounts table", min_length=1, max_length=ID_LENGTH, pattern=NO_NUL
    ),
]
Limit = Annotated[int, Query(description="Accounts at most", ge=1, le=LARGEST_PAGE)]
CursorText = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the page before; absent from the top", max_length=MAX_LENGTH
    ),
]


def fails(*statuses: int) -> dict[int | str, dict[str, Any]]:  # Any: FastAPI's own type
    """The error answers of a route, for the API description."""
    return {status: {"model": ProblemDocument} for status in statuses}


@router.get(
    "/v1/accounts/{account_id:path}/risk",
    operation_id="get_account_risk",
    tags=["accounts"],
    summary="Risk of one account",
    responses={
        200: {"content": {"application/json": {"example": ACCOUNT_RISK}}},
        **fails(404, 422),
    },
)
def get_account_risk(store: Store, account_id: AccountId) -> AccountRisk:
    """How likely the account is to be lost, what that costs, and why, in the current snapshot."""
    found = store.current_account(account_id)
    if found is None:
        raise no_snapshot()
    header, score = found
    if score is None:
        detail = f"No account {account_id} in snapshot {header.snapshot_id}."
        raise RequestError(UNKNOWN_ACCOUNT, detail)
    return account_risk(header, score)


@router.get(
    "/v1/accounts",
    operation_id="list_accounts",
    tags=["accounts"],
    summary="Accounts by ARR at risk",
    responses=fails(410, 422),
)
def list_accounts(store: Store, limit: Limit = PAGE, cursor: CursorText = None) -> AccountPage:
    """The ranking: highest ARR at risk first, then highest loss probability, then account id.

    A cursor belongs to its snapshot: a list that was begun is read to its end from the same
    snapshot, also when another has been published meanwhile; 410 says to start again.
    """
    place = top_of_current(store) if cursor is None else read_cursor(cursor)
    scores = store.ranking(place.snapshot_id, limit=limit + 1, after=place.rank)
    header = store.header(place.snapshot_id)  # after the ranking: both are there or neither was
    if header is None:
        detail = "Start again without a cursor: the list is then read from the current snapshot."
        raise RequestError(SNAPSHOT_GONE, detail)
    more = len(scores) > limit
    next_place = Cursor(place.snapshot_id, scores[limit - 1].rank or 0) if more else None
    return account_page(header, scores[:limit], next_place.encode() if next_place else None)


@router.get("/livez", operation_id="get_livez", tags=["operation"], summary="Is the process up")
async def get_livez() -> Liveness:
    """Answers as long as the process runs, whatever the store does."""
    return Liveness(status="alive")


@router.get("/readyz", operation_id="get_readyz", tags=["operation"], summary="Can it serve")
def get_readyz(store: Store) -> Readiness:
    """Answers 200 when the store can be read and holds a snapshot."""
    header = store.current()
    if header is None:
        raise no_snapshot()
    return Readiness(status="ready", snapshot_id=header.snapshot_id, as_of=header.as_of)


def top_of_current(store: SnapshotStore) -> Cursor:
    """The place before the first account of the current snapshot."""
    header = store.current()
    if header is None:
        raise no_snapshot()
    return Cursor(header.snapshot_id, 0)


def read_cursor(text: str) -> Cursor:
    """The place that a caller's cursor names."""
    cursor = decode_cursor(text)
    if cursor is None:
        fault = field_fault(("query", "cursor"), "Must be the next_cursor of an earlier answer")
        raise RequestError(INVALID_REQUEST, "1 field is not as documented.", [fault])
    return cursor


def no_snapshot() -> RequestError:
    """What to answer before the first publish."""
    return RequestError(NO_SNAPSHOT, "Publish one with: keepwell score.")
