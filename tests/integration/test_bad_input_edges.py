"""Bad input at the edges of the process: odd queries, odd names, a broken home, a fault of ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from features.catalogue import Catalogue
from features.dataset import Dataset
from features.errors import InputError
from features.settings import AbstentionSettings
from models.registry import prepare_store
from pipelines.cli import main
from pipelines.population import Model, Population, predict
from tests.integration.conftest import Call, wrap
from tests.integration.trained import trained_model
from tests.model_rows import make_table

Spoil = Callable[[dict[str, Any]], None]  # Any: YAML


def extra(name: str, *, declared: bool = True) -> Spoil:
    """Give accounts one more column."""

    def spoil(config: dict[str, Any]) -> None:
        quoted = name.replace('"', '""')
        wrap(config, "accounts", f'SELECT *, 1 AS "{quoted}" FROM {{}}')
        if declared:
            config["attributes"][name] = {"kind": "number", "constant": True}

    return spoil


def cast_names(config: dict[str, Any]) -> None:
    wrap(
        config,
        "accounts",
        "SELECT * REPLACE (CAST('A' || account_id AS INTEGER)::VARCHAR AS segment) FROM {}",
    )


def write_a_file(config: dict[str, Any]) -> None:
    config["tables"]["accounts"] += "; COPY (SELECT 1) TO 'written.csv'"


def measure(name: str) -> Spoil:
    return lambda config: config.update(measures={name: {"kind": "level"}})


SPOILT: dict[str, tuple[Spoil, tuple[str, ...]]] = {
    "an error in a column that no check reads": (
        cast_names,
        ("error: accounts: its query must run", "mend tables.accounts"),
    ),
    "a reserved word as a column": (
        extra("order"),
        ("accounts.order", "reserved word", '"order" AS its_order'),
    ),
    "a word that only types and functions may use": (extra("right"), ('"right" AS its_right',)),
    "a column with a space": (
        extra("Customer Type", declared=False),
        ("accounts.Customer Type", "declare it under attributes"),
    ),
    "a declared column with a space": (
        extra("Customer Type"),
        ("attributes", "'Customer Type'", "rename it in the query"),
    ),
    "a declared column with a quote": (extra('q"x'), ("attributes", "rename it in the query")),
    "a second statement that writes": (
        write_a_file,
        ("accounts: its query must be one SELECT", "SELECT and COPY"),
    ),
    "a query that is no SELECT": (
        lambda config: config["tables"].update(accounts="CREATE TABLE a AS SELECT 1"),
        ("accounts: its query must be one SELECT", "CREATE"),
    ),
    "an empty query": (
        lambda config: config["tables"].update(accounts="-- later"),
        ("accounts: its query must be one SELECT", "nothing"),
    ),
    "a measure with a space": (measure("won value"), ("measures", "'won value'", "rename it")),
    "a measure with a quote": (measure("won's"), ("measures", "won's", "rename it")),
}


@pytest.mark.parametrize("name", SPOILT)
def test_odd_queries_and_names_are_refused_with_a_remedy(
    name: str,
    config: dict[str, Any],
    check: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    spoil, expected = SPOILT[name]
    spoil(config)
    code, out, err = check(config)
    assert code == 2
    for part in expected:
        assert part in err
    assert all(problem["remedy"] for problem in json.loads(out)["problems"])
    assert not (tmp_path / "written.csv").exists()


def test_a_trailing_semicolon_or_comment_is_fine(config: dict[str, Any], check: Call) -> None:
    config["tables"]["accounts"] += ";\n-- the end"
    config["tables"]["contracts"] += " ;"
    code, _, err = check(config)
    assert code == 0, err


def test_a_value_that_a_csv_file_should_not_hold_is_named_without_its_row(
    config: dict[str, Any], check: Call, tmp_path: Path
) -> None:
    rows = "".join(f"A{row:05},Anna Meier,{row}\n" for row in range(30_000))
    table = tmp_path / "accounts.csv"
    table.write_text(f"account_id,name,employees\n{rows}A1,Bob Secret,x9\n", encoding="utf-8")
    config["tables"]["accounts"] = f"SELECT * FROM read_csv('{table}')"
    code, out, err = check(config)
    assert code == 2
    assert 'Error when converting column "employees"' in err
    assert "x9" in err
    assert "Secret" not in out + err


@pytest.mark.parametrize("kind", ["a file", "nowhere"])
def test_a_home_that_cannot_be_written_to_is_named(
    kind: str, config: dict[str, Any], check: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("here")
    monkeypatch.setenv("KEEPWELL_HOME", str(file) if kind == "a file" else "/proc/nope")
    code, _, err = check(config)
    assert code == 2
    assert err.startswith("error: KEEPWELL_HOME: must name a folder")


PREPARE = """
import sys
from pathlib import Path
from models.registry import prepare_store
prepare_store(Path(sys.argv[1]))
"""


def test_two_first_runs_make_one_mlflow_store(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PREPARE, str(tmp_path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said


def test_a_damaged_mlflow_store_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "mlflow.db").write_bytes(b"nonsense" * 500)
    with pytest.raises(InputError, match=r"mlflow\.db: is no MLflow store.*move it away"):
        prepare_store(tmp_path)


def test_a_fault_of_ours_is_one_line_without_its_text(
    config: dict[str, Any], check: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Anna Meier")

    monkeypatch.setattr("pipelines.source.open_source", fail)
    code, out, err = check(config)
    assert code == 1
    assert out == ""
    assert err.startswith("error: unexpected ZeroDivisionError at pipelines/source.py:")
    assert err.count("\n") == 1
    assert "KEEPWELL_DEBUG=1" in err
    assert "Anna" not in err
    monkeypatch.setenv("KEEPWELL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main()


def test_a_model_of_another_configuration_asks_for_training() -> None:
    table = make_table()
    features = table.features.drop(columns="usage")
    dataset = Dataset("churn", table.rows, features, Catalogue((), {}), date(2026, 1, 1))
    population = Population(date(2026, 1, 1), pd.DataFrame(), {"churn": dataset})
    with pytest.raises(InputError, match=r"churn model.*seen: usage; run `keepwell train` again"):
        predict(
            population,
            {"churn": Model(trained_model().shipped.predictor, None)},
            rules=AbstentionSettings(),
        )
