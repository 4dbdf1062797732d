"""The page about keys: its commands run, its tables name every scope, field and option."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from models.key import SCOPES
from models.row_filter import FIELDS
from pipelines.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "keys.md").read_text(encoding="utf-8")
KEY = "kw_7m2xk4qa"
COMMANDS = re.findall(r"^keepwell keys .*$", PAGE, flags=re.MULTILINE)


def first_cells(title: str) -> list[str]:
    """What stands in code in the first cell of each row of the table below a title."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_commands_of_the_page_run_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path))
    monkeypatch.delenv("KEEPWELL_SERVICE_STORE", raising=False)
    made = KEY
    assert len(COMMANDS) == 5
    for line in [f"{COMMANDS[0]} --json", *COMMANDS[1:]]:
        monkeypatch.setattr(sys, "argv", shlex.split(line.replace(KEY, made)))
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        out = capsys.readouterr().out
        if line.endswith("--json"):
            made = json.loads(out)["prefix"]


def test_every_scope_and_field_has_a_row() -> None:
    assert tuple(first_cells("What a key may do")) == SCOPES
    assert sorted(first_cells("What a key sees")) == sorted(FIELDS)
