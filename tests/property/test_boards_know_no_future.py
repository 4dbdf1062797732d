"""What is known on or after an as-of date changes neither boards nor lives of it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from models.board import Board
from models.life import Life
from pipelines.board import build_boards
from pipelines.page import prepare_tables, read_all_lives
from tests.property.company import DATES, Company, companies
from tests.property.future import other_futures, without_future
from tests.written_company import open_company

_HALF = settings(max_examples=max(settings().max_examples // 2, 1))
# What rows without known_at say of accounts stands as it is today.
_UNDATED = ("parent_id", "segment", "account_tier", "region", "owner")
Told = tuple[dict[str, Board], list[dict[str, Any]]]  # Any: a life's fields


def _tell(company: Company, as_of: date, spill: Path) -> Told:
    source = open_company(
        company.tables, spill=spill, data_end=company.data_end, **company.settings
    )
    prepare_tables(source, as_of)
    lives: dict[str, Life] = {life.account_id: life for life in read_all_lives(source, as_of)}
    found = dict(build_boards(source, as_of, sorted(lives), lives).each)
    TypeAdapter(dict[str, Board]).validate_python(found, strict=True)
    for board in found.values():
        board["siblings"] = None
    told = [asdict(life) for life in lives.values()]
    return found, [
        {name: cell for name, cell in one.items() if name not in _UNDATED} for one in told
    ]


@given(company=companies(rates_from_start=True), as_of=st.sampled_from(DATES))
@_HALF
def test_taking_away_what_was_known_later_changes_no_board_and_no_life(
    company: Company, as_of: date, spill: Path
) -> None:
    past = without_future(company, as_of)
    assert _tell(company, as_of, spill) == _tell(past, as_of, spill)


@given(company=companies(rates_from_start=True), as_of=st.sampled_from(DATES), data=st.data())
@_HALF
def test_another_future_changes_no_board_and_no_life(
    company: Company, as_of: date, data: st.DataObject, spill: Path
) -> None:
    other = data.draw(other_futures(company, as_of))
    assert _tell(company, as_of, spill) == _tell(other, as_of, spill)
