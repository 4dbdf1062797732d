"""The list of the portfolio page as a CSV file that spreadsheets open as it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import orjson

from models.cell import harmless_text
from serving.caller import Caller
from serving.entry import Entry
from serving.reason import choose_reasons
from serving.selection import Selection
from serving.shelf import Shelf

MARK = "\ufeff"  # by which spreadsheets know UTF-8
PAGE = 500  # accounts read at once
PERSON = "owner"
OWN = ("health_score", "north_star", "open_warnings")  # of the outline
DRIVERS = 3
COLUMNS = (
    "place", "account_id", "external_id", "name", "parent_id", "segment", "account_tier", "region",
    PERSON, "state", "risk_tier", "loss_probability", "basis", "abstained", "currency", "arr",
    "arr_to_decide", "arr_at_risk", "arr_under_notice", "decision_date", "renewal_date", *OWN,
    *(f"driver_{number}" for number in range(1, DRIVERS + 1)),
)  # fmt: skip


def write_file(shelf: Shelf, selection: Selection, caller: Caller) -> Iterator[bytes]:
    """The file in parts, read from one snapshot as it is written.

    Parameters
    ----------
    shelf : Shelf
        The snapshot.
    selection : Selection
        Which accounts, in which order.
    caller : Caller
        Who reads it; without ``people:read`` there is no column of owners.
    """
    columns = [one for one in COLUMNS if one != PERSON or caller.may("people:read")]
    yield (MARK + _write_rows([columns])).encode()
    start = 0
    while True:
        entries = shelf.page(selection, caller.row_filter, start=start, limit=PAGE)
        rows = [_read_row(entry, place, columns) for place, entry in enumerate(entries, start + 1)]
        if rows:
            yield _write_rows(rows).encode()
        if len(entries) < PAGE:
            return
        start += PAGE


def _read_row(entry: Entry, place: int, columns: Sequence[str]) -> list[Any]:  # Any: a cell
    told: dict[str, Any] = orjson.loads(b"".join((entry.row, entry.owner_json, b"}")))
    told["place"] = place
    told |= {name: getattr(entry, name) for name in OWN}
    told["open_warnings"] = (entry.open_warnings or "").strip("|").replace("|", " ")
    drivers = told["drivers"]
    marks = [(one["group"], one["direction"] == "raises") for one in drivers]
    chosen = enumerate(choose_reasons(marks, DRIVERS), 1)
    told |= {f"driver_{number}": drivers[place]["text"] for number, place in chosen}
    return [_write_cell(told.get(name)) for name in columns]


def _write_cell(value: object) -> object:
    if isinstance(value, str):
        return harmless_text(value)
    return value.isoformat() if isinstance(value, date) else value


def _write_rows(rows: Sequence[Sequence[object]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
