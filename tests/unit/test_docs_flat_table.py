"""The page about flat tables names every option and says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import typer.main

from features.flat_column import SHOWN_ONLY, SHOWN_TOO, WELL_KNOWN
from pipelines.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "flat_table.md").read_text(encoding="utf-8")
LINE = re.compile(r"^\| `(--[\w-]+)` \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
ROWS = {row[0]: row for row in LINE.findall(PAGE)}
OF_A_CONFIGURATION = {"--config", "--help"}


def test_every_option_of_a_flat_table_is_documented() -> None:
    group = typer.main.get_command(app)
    options = {
        name
        for parameter in group.commands["train"].params  # type: ignore[attr-defined]  # a group
        for name in parameter.opts
    }
    assert set(ROWS) == options - OF_A_CONFIGURATION


def test_the_well_known_names_are_the_documented_ones() -> None:
    for role, names in WELL_KNOWN.items():
        assert tuple(re.findall(r"`(\w+)`", ROWS[f"--{role}-column"][2])) == names


def test_the_columns_that_are_shown_are_named() -> None:
    assert all(f"`{name}`" in PAGE for name in (*SHOWN_ONLY, *SHOWN_TOO))
