"""The risk of one account: answered from memory, beside the framework.

A CRM asks this on every account page. The bytes are rendered when a snapshot is put on the shelf;
here they are only joined, which is what keeps a request as cheap as an empty one.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.types import Scope

from models.snapshot_check import ID_LENGTH
from serving.endpoint import require, require_shelf
from serving.entry import Entry
from serving.problem import UNKNOWN_ACCOUNT, FieldFault, RequestError, field_fault
from serving.rendering import NULL
from serving.reply import GZIP_FROM, JSON_HEADER, VARY, compress, make_etag
from serving.shelf import Shelf
from serving.shelves import Shelves
from serving.visit import Header, Visit


class Place(NamedTuple):
    """A path of lookups.

    Parameters
    ----------
    prefix, suffix : str
        Around the id.
    route : str
        Template of the path.
    name : str
        What the id is called in it.
    is_external : bool
        Whether it is the CRM's.
    """

    prefix: str
    suffix: str
    route: str
    name: str
    is_external: bool


PLACES = (
    Place("/v1/accounts/", "/risk", "/v1/accounts/{account_id}/risk", "account_id", False),
    Place("/v1/external-ids/", "/risk", "/v1/external-ids/{external_id}/risk", "external_id", True),
)  # fmt: skip


def find_place(scope: Scope) -> Place | None:
    """The path of lookups that a request is for, or None."""
    if scope["method"] != "GET":
        return None
    path: str = scope["path"]
    if not path.endswith("/risk"):
        return None
    for place in PLACES:
        if path.startswith(place.prefix) and len(path) >= len(place.prefix) + len(place.suffix):
            return place
    return None


async def look_up(
    shelves: Shelves, visit: Visit, scope: Scope, place: Place
) -> tuple[int, list[Header], bytes]:
    """Status, headers and body of the answer.

    Raises
    ------
    RequestError
        The request is not as documented, or the caller sees no such account.
    """
    caller = require(visit.caller, "scores:read")
    identifier = scope["path"][len(place.prefix) : -len(place.suffix)]
    if scope["query_string"] or not 0 < len(identifier) <= ID_LENGTH or "\x00" in identifier:
        raise RequestError.of_fields(_faults(scope, place, identifier))
    shelf = require_shelf(await shelves.get())
    find = shelf.find_external if place.is_external else shelf.find
    entry = find(identifier) if shelf.held else await shelves.run(lambda: find(identifier))
    if entry is None or not caller.row_filter.admits(entry):
        raise unknown_account(shelf, identifier)
    stale = shelves.is_stale(shelf)
    people = caller.may("people:read")
    key = (caller.key_id, people, stale)
    etag = shelf.etags.get(key)
    if etag is None:
        etag = shelf.etags[key] = make_etag(shelf.tag(*key), zipped=False)
    body = join_risk(shelf, entry, people=people, stale=stale)
    if len(body) >= GZIP_FROM and visit.takes_gzip:
        etag = make_etag(shelf.tag(*key), zipped=True)
        if not visit.has(etag):
            packed = await compress(body)
            return 200, [*_head(etag, packed), (b"content-encoding", b"gzip")], packed
    if visit.has(etag):
        return 304, [VARY, (b"etag", etag)], b""
    return 200, _head(etag, body), body


def join_risk(shelf: Shelf, entry: Entry, *, people: bool, stale: bool) -> bytes:
    """The `AccountRisk` of an entry."""
    return b"".join(
        (
            entry.row,
            entry.owner_json if people else NULL,
            entry.more,
            shelf.stale_tail if stale else shelf.fresh_tail,
        )
    )


def unknown_account(shelf: Shelf, identifier: str) -> RequestError:
    """The problem of an account that is not there, or not for this caller."""
    return RequestError(
        UNKNOWN_ACCOUNT, f"No account {identifier} in snapshot {shelf.snapshot_id}."
    )


def _head(etag: bytes, body: bytes) -> list[Header]:
    return [
        JSON_HEADER,
        (b"content-length", b"%d" % len(body)),
        (b"etag", etag),
        VARY,
    ]


def _faults(scope: Scope, place: Place, identifier: str) -> list[FieldFault]:
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    faults = [
        field_fault(("query", name[:100]), "Not a parameter of this path") for name, _ in query[:10]
    ]
    if not 0 < len(identifier) <= ID_LENGTH or "\x00" in identifier:
        expected = f"Must have 1 to {ID_LENGTH} characters, none of them NUL"
        faults.append(field_fault(("path", place.name), expected))
    return faults or [field_fault(("query", ""), "Not a parameter of this path")]
