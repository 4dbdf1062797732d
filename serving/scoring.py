"""The promoted model asked about rows that a caller sends: beside the framework, as lookups are.

The rows are read by a worker, see `serving.compute_process`; here bytes are only passed on. A step
of this keeps every other request waiting, so that each is short.
"""

from __future__ import annotations

import re

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from models.frame import ANSWER, ANSWER_GZIP, FAULTS
from serving.compute_process import ComputeProcess, Frame, WorkerGoneError
from serving.endpoint import refuse_odd_query, require, require_shelf
from serving.live_models import MODELS, LiveModels
from serving.problem import (
    INTERNAL_ERROR,
    MODEL_AWAY,
    NO_MODEL,
    OVERLOADED,
    UNKNOWN_MODEL,
    RequestError,
    field_fault,
)
from serving.reply import JSON_HEADER, VARY
from serving.shelves import Shelves
from serving.visit import Header, Visit

ROUTE = "/v1/models/{name}/score"
PATH = re.compile(r"/v1/models/([^/]+)/score")
MOST_WAITING = 16  # requests of one model, begun and not answered
WITHIN_S = 10.0


def find_model(scope: Scope) -> str | None:
    """The name in the path of a request for rows; None of any other request."""
    if scope["method"] != "POST":
        return None
    found = PATH.fullmatch(scope["path"])
    return found[1] if found else None


async def score(
    shelves: Shelves,
    live_models: LiveModels,
    visit: Visit,
    scope: Scope,
    receive: Receive,
    name: str,
) -> tuple[int, list[Header], bytes]:
    """Status, headers and body of the answer.

    Raises
    ------
    RequestError
        The request is not as documented, or the model does not answer.
    """
    if scope["query_string"]:
        refuse_odd_query(Request(scope), known=set(), many=set())
    require(visit.caller, "scores:compute")
    if name not in MODELS:
        raise RequestError(UNKNOWN_MODEL, f"The models are: {', '.join(MODELS)}.")
    sent_as = visit.head.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if sent_as != b"application/json":
        expected = "Expected JSON, and Content-Type: application/json"
        raise RequestError.of_fields([field_fault(("body",), expected)])
    body = await _read(receive)
    # Not looked for before: it may be replaced meanwhile.
    process = await _find_process(shelves, live_models, name)
    kind, content = await _ask(process, body, takes_gzip=visit.takes_gzip)
    if kind == FAULTS:
        faults = orjson.loads(content)
        raise RequestError.of_fields([field_fault(("body", *at), told) for at, told in faults])
    if kind not in (ANSWER, ANSWER_GZIP):
        raise RequestError(INTERNAL_ERROR, "The model gives no finite number for these rows.")
    headers = [JSON_HEADER, VARY, (b"content-length", b"%d" % len(content))]
    if kind == ANSWER_GZIP:
        headers.append((b"content-encoding", b"gzip"))
    return 200, headers, content


async def _read(receive: Receive) -> bytes:
    """The body of a request."""
    parts = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


async def _ask(process: ComputeProcess, body: bytes, *, takes_gzip: bool) -> Frame:
    """What a worker answers.

    Raises
    ------
    RequestError
        It does not.
    """
    if process.waiting >= MOST_WAITING:
        raise RequestError(OVERLOADED, f"{MOST_WAITING} requests for rows wait already.")
    try:
        return await process.ask(body, takes_gzip=takes_gzip, within_s=WITHIN_S)
    except WorkerGoneError:
        raise RequestError(MODEL_AWAY, "Its process ended and is being replaced.") from None
    except TimeoutError:
        raise RequestError(OVERLOADED, f"No answer within {WITHIN_S:g} s.") from None


async def _find_process(shelves: Shelves, live_models: LiveModels, name: str) -> ComputeProcess:
    """The worker to ask.

    Raises
    ------
    RequestError
        There is none, or none yet.
    """
    shelf = require_shelf(await shelves.get())  # it says whose model it is
    model = live_models.by_name[name]
    if not model.serves(shelf.header.company):
        raise RequestError(MODEL_AWAY, "It is being loaded.")
    if model.process is not None:
        return model.process
    if model.promoted is None:
        raise RequestError(NO_MODEL, f"There is no {name} model of this company yet.")
    raise RequestError(MODEL_AWAY, "It is being loaded, or could not be; the metrics tell.")
