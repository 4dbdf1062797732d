"""The snapshots that are kept, and the models behind the one that is served."""

from __future__ import annotations

import orjson
from fastapi import Request
from starlette.responses import Response

from models.card import Card
from models.snapshot import SnapshotHeader
from serving.caller import Caller
from serving.endpoint import GUARDED, fails, get_shelf, get_shelves, make_router
from serving.example import MODEL, SNAPSHOTS
from serving.parameter import PAGE, Limit, Reader
from serving.problem import UNKNOWN_MODEL, RequestError
from serving.reply import reply
from serving.response import snapshot_fields
from serving.response_list import CardAnswer, ModelDetail, SnapshotLine, SnapshotList

router = make_router("snapshots")

OF_ALL = ("rows", "positives", "metrics")  # fields of a card that count accounts


@router.get(
    "/v1/snapshots",
    operation_id="list_snapshots",
    summary="Snapshots that are kept",
    responses={
        **GUARDED,
        200: {"model": SnapshotList, "content": {"application/json": {"example": SNAPSHOTS}}},
    },
)
async def list_snapshots(request: Request, caller: Reader, limit: Limit = PAGE) -> Response:
    """The newest first; one that is listed can be named by `changed_since`."""
    shelf, shelves = await get_shelf(request), get_shelves(request)
    headers = await shelves.run(lambda: shelves.reader.headers(shelf.header.company, limit=limit))
    lines = [_line(header, caller, current=shelf.snapshot_id) for header in headers]
    return await reply(request, orjson.dumps({"snapshots": lines}))


@router.get(
    "/v1/models/{name}",
    operation_id="get_model",
    summary="A model behind the served snapshot, with its card",
    responses={
        **GUARDED,
        **fails(404),
        200: {"model": ModelDetail, "content": {"application/json": {"example": MODEL}}},
    },
)
async def get_model(request: Request, caller: Reader, name: str) -> Response:
    """Its version and times, and how it was judged."""
    shelf, shelves = await get_shelf(request), get_shelves(request)
    if name not in shelf.header.models:
        known = ", ".join(sorted(shelf.header.models))
        raise RequestError(UNKNOWN_MODEL, f"The models of this snapshot are: {known}.")
    told = snapshot_fields(shelf.header)
    cards = request.app.state.cards
    card = await shelves.run(lambda: cards.read(shelf.header, name))
    document = {
        **told,
        "stale": shelves.is_stale(shelf),
        "name": name,
        "model": told["models"][name],
        "card": card and _show_card(card, caller),
    }
    return await reply(request, orjson.dumps(document))


def _line(header: SnapshotHeader, caller: Caller, *, current: str) -> dict[str, object]:
    fields = snapshot_fields(header)
    fields["is_current"] = header.snapshot_id == current
    fields["created_at"] = header.created_at
    fields["backfilled"] = header.backfilled
    fields["accounts"] = header.accounts if caller.row_filter.is_everything else None
    return {name: fields[name] for name in SnapshotLine.model_fields}


def _show_card(card: Card, caller: Caller) -> dict[str, object]:
    fields = card.model_dump(mode="json", include=set(CardAnswer.model_fields))
    fields["features"] = [feature.name for feature in card.features]
    if not caller.row_filter.is_everything:
        fields.update(dict.fromkeys(OF_ALL))
    return {name: fields[name] for name in CardAnswer.model_fields}
