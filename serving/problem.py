"""Every error that the API answers with, as an RFC 9457 problem document.

References
----------
RFC 9457, Problem Details for HTTP APIs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from pydantic import BaseModel, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "tag:keepwell,2026:problem/"  # names, not addresses: there is nothing to fetch
TRY_AGAIN_S = 5
LONGEST_PATH = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """One documented kind of problem."""

    name: str
    status: int
    title: str


BAD_REQUEST = Kind("bad-request", 400, "The request cannot be understood")
WRONG_HOST = Kind("wrong-host", 400, "The Host header does not name this service")
UNAUTHORIZED = Kind("unauthorized", 401, "The request needs a key")
FORWARDED = Kind("forwarded", 403, "Forwarded requests are refused")
MISSING_SCOPE = Kind("missing-scope", 403, "The key lacks a scope")
FOREIGN_FORM = Kind("foreign-form", 403, "The form was not sent by a page of this service")
FOREIGN_IDENTITY = Kind("foreign-identity", 403, "A header came from where no proxy stands")
UNKNOWN_PERSON = Kind("unknown-person", 403, "The person that the proxy names may nothing here")
NOT_FOUND = Kind("not-found", 404, "There is nothing at this path")
UNKNOWN_ACCOUNT = Kind("unknown-account", 404, "The account is not in the snapshot")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "The path does not take this method")
UNKNOWN_MODEL = Kind("unknown-model", 404, "There is no such model")
NO_MODEL = Kind("no-model", 409, "No model has been promoted")
UNKNOWN_TARGET = Kind("unknown-target", 404, "There is no such target of webhooks")
NOT_LOST = Kind("not-lost", 409, "The account is not lost")
SNAPSHOT_GONE = Kind("snapshot-gone", 410, "The snapshot was removed")
TOO_SLOW = Kind("too-slow", 408, "The body of the request did not come in time")
TOO_LARGE = Kind("too-large", 413, "The body of the request is too large")
INVALID_REQUEST = Kind("invalid-request", 422, "The request has invalid fields")
KEY_REUSED = Kind("idempotency-key-reused", 422, "The idempotency key belongs to another request")
TOO_MANY_REQUESTS = Kind("too-many-requests", 429, "The key has used up its rate")
INTERNAL_ERROR = Kind("internal-error", 500, "The service failed")
OVERLOADED = Kind("overloaded", 503, "The service has too many requests at once")
NO_SNAPSHOT = Kind("no-snapshot", 503, "No snapshot has been published")
MODEL_AWAY = Kind("model-away", 503, "The model cannot be asked right now")
STORE_AWAY = Kind("store-away", 503, "A store of the service does not answer")

KINDS = (
    BAD_REQUEST,
    WRONG_HOST,
    UNAUTHORIZED,
    FORWARDED,
    MISSING_SCOPE,
    FOREIGN_FORM,
    FOREIGN_IDENTITY,
    UNKNOWN_PERSON,
    NOT_FOUND,
    UNKNOWN_ACCOUNT,
    UNKNOWN_MODEL,
    METHOD_NOT_ALLOWED,
    NO_MODEL,
    UNKNOWN_TARGET,
    NOT_LOST,
    TOO_SLOW,
    SNAPSHOT_GONE,
    TOO_LARGE,
    INVALID_REQUEST,
    KEY_REUSED,
    TOO_MANY_REQUESTS,
    INTERNAL_ERROR,
    OVERLOADED,
    NO_SNAPSHOT,
    MODEL_AWAY,
    STORE_AWAY,
)


class FieldFault(BaseModel):
    """One field of a request that is not as documented."""

    pointer: str = Field(description="JSON pointer to the field", examples=["#/limit"])
    place: str = Field(description="Where the field stands: path, query or body")
    detail: str = Field(description="What was expected")


class ProblemDocument(BaseModel):
    """An RFC 9457 problem document."""

    type: str = Field(examples=[TYPE_PREFIX + UNKNOWN_ACCOUNT.name])
    title: str = Field(examples=[UNKNOWN_ACCOUNT.title])
    status: int = Field(examples=[UNKNOWN_ACCOUNT.status])
    detail: str = Field(examples=["No account A17 in snapshot 1m803jec5jhpb."])
    instance: str = Field(examples=["/v1/accounts/A17/risk"])
    request_id: str | None = Field(
        description="Also in the header X-Request-Id and in the service's log; null when what "
        "came could not be read as a request",
        examples=["5f1c09ab-2f"],
    )
    errors: list[FieldFault] | None = Field(
        default=None, description="With invalid-request only: the fields at fault"
    )


class RequestError(Exception):
    """Ends a request with a problem document.

    Parameters
    ----------
    kind : Kind
        One of `KINDS`.
    detail : str
        What happened here, for the caller's developer; ids at most, no text of an exception.
    errors : sequence of FieldFault
        The fields at fault, with `INVALID_REQUEST`.
    """

    def __init__(self, kind: Kind, detail: str, errors: Sequence[FieldFault] = ()) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)

    @classmethod
    def of_fields(cls, errors: Sequence[FieldFault]) -> RequestError:
        """The problem of fields that are not as documented."""
        detail = (
            f"{len(errors)} {'field is' if len(errors) == 1 else 'fields are'} not as documented."
        )
        return cls(INVALID_REQUEST, detail, errors)


def field_fault(location: Sequence[object], message: str) -> FieldFault:
    """A field at fault from where pydantic found it: ("query", "limit")."""
    place, *steps = (str(step).replace("~", "~0").replace("/", "~1") for step in location)
    return FieldFault(pointer="/".join(["#", *steps]), place=place, detail=message)


def problem_response(
    kind: Kind,
    path: str,
    detail: str,
    *,
    request_id: str | None,
    errors: Sequence[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a request that failed.

    Parameters
    ----------
    kind : Kind
        Gives status, type and title; status 503 also gives ``Retry-After``.
    path : str
        Path of the request, decoded; its first 1000 characters are repeated.
    detail, errors
        As in `RequestError`.
    request_id : str or None
        Of the request; None when there was none.
    headers : mapping or None
        Further headers.
    """
    document: dict[str, object] = {
        "type": TYPE_PREFIX + kind.name,
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": quote(path[:LONGEST_PATH], errors="replace"),
        "request_id": request_id,
    }
    if errors:
        document["errors"] = [fault.model_dump() for fault in errors]
    again = {"Retry-After": str(TRY_AGAIN_S)} if kind.status == 503 else {}
    return Response(
        json.dumps(document), kind.status, {**again, **(headers or {})}, media_type=MEDIA_TYPE
    )
