"""The reference of the features is what the catalogue says, today."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.catalogue import read_templates
from features.entry import Template
from features.need import table_needs
from features.schema import TABLES
from pipelines.catalogue_page import reference_page

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


def test_the_page_is_not_stale() -> None:
    renew = "keepwell features --markdown > docs/features.md"
    assert PAGE.read_text(encoding="utf-8") == reference_page(), f"renew it by: {renew}"


@pytest.mark.parametrize("template", read_templates(), ids=lambda template: template.name)
def test_what_an_entry_needs_are_columns_that_exist(template: Template) -> None:
    needs = table_needs(template)
    assert needs
    for need in needs:
        table, _, columns = need.removeprefix("catalogue.NAME.").partition(".")
        if need.startswith("catalogue."):
            continue
        assert table in TABLES
        for column in filter(None, columns.split(" or ")):
            assert TABLES[table].column(column), need
