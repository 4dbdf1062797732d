"""``/`` and ``/portfolio.csv``: the page on which a week begins, and its list as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from features.errors import TransientError
from models.feedback_store import FeedbackStore
from models.playbook_action import PlaybookAction
from serving.caller import Caller
from serving.endpoint import get_shelf, get_shelves, require
from serving.page import answer_page, make_page_router
from serving.page_caller import PageCaller
from serving.page_language import Language
from serving.portfolio_file import write_file
from serving.portfolio_query import PortfolioQuery, read_query
from serving.portfolio_view import PortfolioDesk
from serving.route_track_record import read_record

router = make_page_router()
FILE_PATH = "/portfolio.csv"


@router.get("/")
async def get_portfolio_page(request: Request, caller: PageCaller) -> Response:
    """The ranking with what it adds up to."""
    query = read_allowed(request, caller)
    shelf, desk = await get_shelf(request), get_desk(request)
    shelves = get_shelves(request)
    is_stale = shelves.is_stale(shelf)
    record = await read_record(request, shelf, caller)
    actions = await read_actions(request)

    def make_values(language: Language) -> Mapping[str, object]:
        return desk.view(
            shelf, caller, query, language, is_stale=is_stale, record=record, actions=actions
        )

    return await answer_page(request, "portfolio.html", make_values)


@router.get(FILE_PATH)
async def get_portfolio_file(request: Request, caller: PageCaller) -> Response:
    """The accounts of the list, all pages of it."""
    query = read_allowed(request, caller)
    shelf = await get_shelf(request)
    day = shelf.header.as_of or shelf.header.created_at.date()
    return StreamingResponse(
        write_file(shelf, query.select(shelf.header.as_of), caller),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="keepwell-{day.isoformat()}.csv"'},
    )


def read_allowed(request: Request, caller: Caller) -> PortfolioQuery:
    """What the address asks for.

    Raises
    ------
    RequestError
        It asks by a person's name without the scope for that, or for what there is not.
    """
    query = read_query(request.query_params)
    if "owner" in query.lists or query.group_by == "owner" or query.sort.endswith("owner"):
        require(caller, "people:read")
    return query


async def read_actions(request: Request) -> Sequence[PlaybookAction] | None:
    """What was done with playbooks; None without a service store, or while it is away."""
    store = request.app.state.guards.service_store
    if store is None:
        return None
    try:
        return await get_shelves(request).run(FeedbackStore(store).playbook_actions)
    except TransientError:  # the ranking is worth showing without it
        return None


def get_desk(request: Request) -> PortfolioDesk:
    """The desk of the application."""
    desk = request.app.state.desk
    assert isinstance(desk, PortfolioDesk)
    return desk
