"""``keepwell check``: what it prints, where quarantined rows go, its exit code."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from features.errors import Problem
from pipelines.cli import main
from tests.integration.conftest import Call, wrap


@pytest.fixture
def plain(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Run ``keepwell check`` without ``--json``: exit code, stdout and stderr."""
    del home

    def call(config: dict[str, Any]) -> tuple[int, str, str]:  # Any: YAML
        path = tmp_path / "company.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["keepwell", "check", "--config", str(path)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def spoil_some(config: dict[str, Any]) -> None:
    """Ten invoices of an account that is not there."""
    wrap(
        config,
        "invoices",
        "SELECT * REPLACE (CASE WHEN row_number() OVER () <= 10 THEN 'X1' ELSE account_id END "
        "AS account_id) FROM {}",
    )


def test_quarantined_rows_are_told_by_table_and_file(
    config: dict[str, Any], plain: Call, home: Path
) -> None:
    spoil_some(config)
    code, out, _ = plain(config)
    lines = out.splitlines()
    file = home / "quarantine" / "demo" / "invoices.parquet"
    assert code == 0
    assert any(line.startswith("quarantine: invoices.account_id: ") for line in lines)
    assert "quarantined rows, under KEEPWELL_HOME: quarantine/demo/invoices.parquet" in lines
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert duckdb.read_parquet(str(file)).select("account_id").fetchall() == [("X1",)] * 10


def test_a_problem_in_json_has_its_fields_and_no_others(
    config: dict[str, Any], check: Call
) -> None:
    spoil_some(config)
    code, out, _ = check(config)
    document = json.loads(out)
    assert code == 0
    assert list(document) == ["problems"]
    names = ["table", "column", "rule", "rows", "examples", "remedy", "action"]
    assert [field.name for field in fields(Problem)] == names
    assert all(list(problem) == names for problem in document["problems"])


def test_what_stops_and_what_does_not_is_told_together_with_exit_code_2(
    config: dict[str, Any], plain: Call
) -> None:
    spoil_some(config)
    wrap(config, "contracts", "SELECT * REPLACE (-1 - arr AS arr) FROM {}")
    code, out, err = plain(config)
    said = [line for line in err.splitlines() if line.startswith(("error: ", "quarantine: "))]
    assert code == 2
    assert out == ""
    assert said[0].startswith("quarantine: invoices.account_id: ")
    assert said[-1].startswith("error: contracts.arr: must not be negative")


def test_the_tables_can_be_checked_as_of_a_day(
    config: dict[str, Any], call: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, err = call("check", config, "--as-of", "2025-06-01")
    assert code == 0, err
    code, _, err = call("check", config, "--as-of", "2099-01-01")
    assert code == 2
    assert "lies in the future" in err
