"""The parameters that endpoints share."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from fastapi import Path, Query
from pydantic import BeforeValidator, StringConstraints

from models.snapshot_check import ID_LENGTH
from serving.caller import Caller
from serving.cursor import MAX_LENGTH
from serving.endpoint import needs

NO_NUL = r"^[^\x00]*$"  # PostgreSQL keeps no such text
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
PAGE = 50
LARGEST_PAGE = 500
MOST_VALUES = 50  # of one filter


def _read_day(value: object) -> object:
    """The text of a day; a number, which would be taken for seconds since 1970, is refused."""
    if isinstance(value, str) and not DAY.fullmatch(value):
        raise ValueError("Must be a day such as 2026-11-30")
    return value


Day = Annotated[date, BeforeValidator(_read_day)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=ID_LENGTH, pattern=NO_NUL)]
Rule = Annotated[str, StringConstraints(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
AccountId = Annotated[
    str,
    Path(
        description="As in the accounts table", min_length=1, max_length=ID_LENGTH, pattern=NO_NUL
    ),
]
ExternalId = Annotated[
    str,
    Path(
        description="As the CRM has it; letter by letter, a Salesforce id in its form of 15 or 18 "
        "characters",
        min_length=1,
        max_length=ID_LENGTH,
        pattern=NO_NUL,
    ),
]
SnapshotId = Annotated[str, StringConstraints(pattern=r"^[0-9a-z]{13}$")]
Limit = Annotated[int, Query(description="How many at most", ge=1, le=LARGEST_PAGE)]
CursorText = Annotated[
    str | None,
    Query(
        description="`next_cursor` of the page before, with the same parameters; absent from the "
        "top",
        max_length=MAX_LENGTH,
    ),
]
Reader = Annotated[Caller, needs("scores:read")]
Voice = Annotated[Caller, needs("feedback:write")]
Admin = Annotated[Caller, needs("admin")]
