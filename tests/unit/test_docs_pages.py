"""The guide to the pages names every parameter and every part of the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.portfolio_query import FIRST_SORT, LISTS, SINGLES
from serving.route_model import MODEL_PATH
from serving.route_portfolio import FILE_PATH

GUIDE = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [*LISTS, *SINGLES, FILE_PATH, MODEL_PATH, FIRST_SORT])
def test_the_guide_names_every_parameter(name: str) -> None:
    assert f"`{name}`" in GUIDE
