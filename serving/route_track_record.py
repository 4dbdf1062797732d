"""Were we right? What became of the probabilities of an earlier snapshot."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

import orjson
from fastapi import Request
from starlette.responses import Response

from features.errors import TransientError
from models.feedback_store import FeedbackStore
from models.track_record import Acts, TrackRecord
from serving.caller import Caller
from serving.endpoint import GUARDED, get_shelf, get_shelves, make_router
from serving.example import TRACK_RECORD
from serving.parameter import Reader
from serving.reply import reply
from serving.response import snapshot_fields
from serving.response_list import RecordAnswer, TrackRecordAnswer
from serving.shelf import Shelf

router = make_router("track record")

FIELDS = tuple(RecordAnswer.model_fields)


@router.get(
    "/v1/track-record",
    operation_id="get_track_record",
    summary="What became of an earlier snapshot",
    responses={
        **GUARDED,
        200: {
            "model": TrackRecordAnswer,
            "content": {"application/json": {"example": TRACK_RECORD}},
        },
    },
)
async def get_track_record(request: Request, caller: Reader) -> Response:
    """Of the accounts that were shown, how many left, over those that the caller may see.

    Observed, not an effect: an account that was worked on and stayed would perhaps have stayed
    anyway.
    """
    shelf, shelves = await get_shelf(request), get_shelves(request)
    record = await read_record(request, shelf, caller)
    document = {
        **snapshot_fields(shelf.header),
        "stale": shelves.is_stale(shelf),
        "currency": shelf.header.currency,
        "record": None if record is None else _render(record),
    }
    return await reply(request, orjson.dumps(document))


async def read_record(request: Request, shelf: Shelf, caller: Caller) -> TrackRecord | None:
    """What became of an earlier snapshot; the company's own table alone while ours is away."""
    store = request.app.state.guards.service_store

    def read_acts(since: date, until: date) -> Acts | None:
        if store is None:
            return None
        try:
            return FeedbackStore(store).acts(since, until)
        except TransientError:
            return None

    return await get_shelves(request).track_record(shelf, caller.row_filter, read_acts)


def _render(record: TrackRecord) -> dict[str, object]:
    fields = {**asdict(record), "arr_lost_in_top": record.arr_lost_in_top}
    return {name: fields[name] for name in FIELDS}
