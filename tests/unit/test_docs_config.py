"""The reference of the configuration is whole and true."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel, create_model
from pydantic.fields import FieldInfo

from features.errors import InputError
from features.outcome_name import states_outcome
from features.schema import TABLES, Column
from features.source import open_source
from pipelines.cli import main
from pipelines.config import Config, read_config

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "config.md").read_text(encoding="utf-8")
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml"))
KIND_WORDS = {"number from 0": ("number", 0.0), "number": ("number", None), "share": ("share", 0.0)}


def section(title: str) -> str:
    """The text under a heading, up to the next of its kind."""
    return re.split(r"^## ", PAGE.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def table_rows(text: str) -> list[list[str]]:
    """The cells of the rows that begin with a name in backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def quoted(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]*)`", text)


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key that holds a value, and every section that may be left out, by its path."""
    for name, field in model.model_fields.items():
        parts = (field.annotation, *get_args(field.annotation))
        below = next((p for p in parts if isinstance(p, type) and issubclass(p, BaseModel)), None)
        path = f"{prefix}{name}"
        if below is None or type(None) in parts:
            yield path, field
        if below is not None:
            origins = [_origin(part) for part in parts]
            step = ".NAME." if dict in origins else ".N." if tuple in origins else "."
            yield from fields(below, f"{path}{step}")


def _origin(annotation: object) -> object:
    return getattr(annotation, "__origin__", annotation)


KEYS = dict(fields(Config))
DOCUMENTED = {quoted(row[0])[0]: row for row in table_rows(section("Keys"))}


def read_example(field: FieldInfo, text: str) -> Any:  # Any: whatever the key holds
    """A cell of the reference as the key reads it."""
    value: dict[str, Any] = {"value": (field.annotation, field)}  # Any: pydantic's own signature
    holder = create_model("Holder", **value)
    return dict(holder.model_validate({"value": yaml.safe_load(text)}))["value"]


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    assert sorted(DOCUMENTED) == sorted(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_the_default_of_a_key_is_the_documented_one(key: str) -> None:
    field, cell = KEYS[key], DOCUMENTED[key][1]
    if field.is_required():
        assert cell == "`required`"
    elif field.default is None:
        assert cell == "*none*"
    else:
        assert read_example(field, quoted(cell)[0]) == field.default


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_key_is_valid(key: str) -> None:
    (text,) = quoted(DOCUMENTED[key][2])
    assert read_example(KEYS[key], text) is not None


def test_every_contract_table_is_documented() -> None:
    assert [quoted(row[0])[0] for row in table_rows(section("Contract tables"))] == list(TABLES)
    assert all(table.column("known_at") for table in TABLES.values())


@pytest.mark.parametrize("name", TABLES)
def test_the_columns_of_a_contract_table_are_the_documented_ones(name: str) -> None:
    table = TABLES[name]
    rows = {quoted(row[0])[0]: row for row in table_rows(section("Contract tables"))}
    _, key, own_dates, columns = rows[name]
    assert tuple(quoted(key)) == table.key
    assert tuple(quoted(own_dates)) == table.own_dates
    documented = {
        column: (*KIND_WORDS.get(kind, (kind, None)), bold, dated)
        for group in columns.split("; ")
        for kind, _, listed in [group.partition(": ")]
        for column, bold, dated in map(read_column, listed.split(", "))
    }
    expected = {c.name: shape(c) for c in table.columns if c.name != "known_at"}
    assert documented == expected


def read_column(text: str) -> tuple[str, bool, bool]:
    """Name, whether it stands in bold, and whether it bears the mark of a date of its own."""
    return quoted(text)[0], text.startswith("**"), text.endswith("†")


def shape(column: Column) -> tuple[str, float | None, bool, bool]:
    """What the reference says about a column."""
    return column.kind, column.lowest, column.required, bool(column.known_from)


def test_the_refused_columns_that_are_named_are_refused() -> None:
    line = next(line for line in PAGE.splitlines() if "named after an outcome" in line)
    assert all(map(states_outcome, quoted(line)))


def test_every_environment_variable_is_documented() -> None:
    code = [path for name in ("pipelines", "serving") for path in (ROOT / name).rglob("*.py")]
    found = {
        name
        for path in code
        for name in re.findall(r"KEEPWELL_[A-Z_]+", path.read_text(encoding="utf-8"))
    }
    listed = {quoted(row[0])[0] for row in table_rows(section("Data, placeholders, environment"))}
    assert found <= listed


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_configuration_is_valid_without_its_data(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEEPWELL_DATA", raising=False)
    assert read_config(path).company == path.stem


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's own files, as they stand there."""
    files = re.findall(r"^`([\w.]+)`\n```\w+\n(.*?)```", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert [name for name, _ in files] == ["customers.csv", "orders.csv", "usage.csv", "acme.yaml"]
    (tmp_path / "acme").mkdir()
    for name, text in files:
        folder = tmp_path if name.endswith(".yaml") else tmp_path / "acme"
        (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.delenv("KEEPWELL_DATA", raising=False)
    for variable in ("KEEPWELL_HOME", "PREFECT_HOME", "MPLCONFIGDIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    return tmp_path / "acme.yaml"


def check(config: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Exit code of ``keepwell check``."""
    monkeypatch.setattr(sys, "argv", ["keepwell", "check", "--config", str(config)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_walk_through_says_what_the_page_says(
    acme: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong, right = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    assert check(acme, monkeypatch) == 2
    assert capsys.readouterr().err.endswith(wrong)
    orders = acme.parent / "acme" / "orders.csv"
    text = orders.read_text(encoding="utf-8")
    orders.write_text(text.replace("2025-02-01,,50", "2026-03-01,,50"), encoding="utf-8")
    assert check(acme, monkeypatch) == 0
    assert capsys.readouterr().out == right


def test_a_placeholder_is_filled_in_to_read_and_not_kept(
    acme: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = acme.read_text(encoding="utf-8").replace("name, segment", "'${SECRET}' AS name, segment")
    acme.write_text(text, encoding="utf-8")
    monkeypatch.delenv("SECRET", raising=False)
    with pytest.raises(InputError, match=r"tables\.accounts: \$\{SECRET\} is not set"):
        read_config(acme)
    monkeypatch.setenv("SECRET", "it's secret")
    config = read_config(acme)
    assert "'it''s secret' AS name" in config.filled().tables["accounts"]
    assert "secret" not in config.to_yaml()


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("DATE '2025-04-01'", "2025-04-01"),
        ("'2025-04-01'", "2025-04-01"),
        ("TIMESTAMP '2025-04-01 23:30:00'", "2025-04-02"),
        ("'2025-04-01 23:30:00'", "2025-04-02"),
        ("'2025-04-01T23:30:00+02:00'", "2025-04-01"),
    ],
)
def test_dates_are_as_written_and_timestamps_without_offset_are_in_utc(
    acme: Path, tmp_path: Path, written: str, day: str
) -> None:
    raw = yaml.safe_load(acme.read_text(encoding="utf-8"))
    query = f"SELECT '1' AS account_id, {written} AS ts, 'view_report' AS event"
    raw["tables"] = {"accounts": raw["tables"]["accounts"], "usage": query}
    raw["time"] = {"zone": "Europe/Berlin"}
    raw["labels"] = {"churn": {"by": ["inactivity"], "inactivity": {}}}
    acme.write_text(yaml.safe_dump(raw), encoding="utf-8")
    source = open_source(read_config(acme).filled(), spill=tmp_path)
    found = source.connection.execute("SELECT day FROM usage_day").fetchall()
    source.connection.close()
    assert [str(row[0]) for row in found] == [day]
