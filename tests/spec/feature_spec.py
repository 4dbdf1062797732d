"""The written companies of ``features/*.yaml``, and what is expected of each of their accounts.

How the files are read is told in ``features/README.md``. Ids begin with the file and the company's
number in it, so that all companies can be loaded as one.
"""

from __future__ import annotations

import ast
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from features.schema import TABLES
from tests.spec.written import read_table
from tests.written_company import Row

FOLDER = Path(__file__).parent / "features"
Value = float | str | None
_OWN_IDS = ("account_id", "contract_id", "renews", "parent_id", "ticket_id")
_BECAUSE = "because"
_ARITHMETIC: dict[type[ast.AST], Callable[..., Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
}


@dataclass(frozen=True)
class Expectation:
    """What a spec says of a feature of an account, and why where it is said."""

    spec: str
    feature: str
    account: str
    value: Value
    because: str


@dataclass(frozen=True)
class Spec:
    """A written company and what is expected of it."""

    name: str
    tables: dict[str, list[Row]]
    expectations: tuple[Expectation, ...]


@cache
def read_company() -> dict[str, Any]:  # Any: sections of the configuration
    """The as-of date, the data's end and the settings that all written companies share."""
    written: dict[str, Any] = yaml.safe_load(FOLDER.joinpath("company.yaml").read_text("utf-8"))
    return written


@cache
def read_specs() -> tuple[Spec, ...]:
    """The specs of all files, in their order."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "company.yaml")
    return tuple(
        _spec(f"{path.stem}-{number}", written)
        for path in files
        for number, written in enumerate(yaml.safe_load_all(path.read_text("utf-8")), start=1)
    )


@cache
def expectations() -> dict[str, list[Expectation]]:
    """Everything that is expected, by feature."""
    found: dict[str, list[Expectation]] = defaultdict(list)
    for spec in read_specs():
        for expected in spec.expectations:
            found[expected.feature].append(expected)
    return dict(found)


def _spec(name: str, written: dict[str, Any]) -> Spec:  # Any: as YAML says
    expected = tuple(_expectations(name, read_table(written["expect"], account=False)))
    tables: dict[str, list[Row]] = {
        table: [_cells(name, table, row) for row in _numbered(table, text)]
        for table, text in written.get("given", {}).items()
    }
    rows = (row for table in tables for row in tables[table] if table != "accounts")
    ids = {row["account_id"] for row in rows if "account_id" in row}
    ids |= {f"{name}/{line.account}" for line in expected}
    ids -= {row["account_id"] for row in tables.get("accounts", [])}
    tables["accounts"] = [*tables.get("accounts", []), *({"account_id": i} for i in sorted(ids))]
    return Spec(name, tables, expected)


def _numbered(table: str, text: str) -> Iterator[Row]:
    """The rows of a table, tickets with ids, since the spec does without."""
    for number, row in enumerate(read_table(text, account=False), start=1):
        yield {"ticket_id": f"t{number}", **row} if table == "tickets" else row


def _cells(spec: str, table: str, row: Row) -> Row:
    """A written row as the company's table has it: its own ids, and days as dates."""
    cells = dict(row)
    for name, cell in row.items():
        column = TABLES[table].column(name)
        assert column is not None, f"{spec}: {table} has no column {name}"
        if cell is not None and name in _OWN_IDS:
            cells[name] = f"{spec}/{cell}"
        elif cell is not None and column.kind == "date":
            cells[name] = _day(cell)
    return cells


def _day(cell: str) -> date:
    """A date, or the day that lies so many days from the as-of date."""
    if re.fullmatch(r"[+-]?\d+", cell):
        as_of: date = read_company()["as_of"]
        return as_of + timedelta(days=int(cell))
    return date.fromisoformat(cell)


def _expectations(spec: str, rows: list[Row]) -> Iterator[Expectation]:
    """Features by account or, where the first column is ``account_id``, accounts by feature."""
    for row in rows:
        cells = dict(row)
        because = cells.pop(_BECAUSE, None) or ""
        account = cells.pop("account_id", None)
        feature = cells.pop("feature", None)
        for other, cell in cells.items():
            assert cell is not None, f"{spec}: {feature or account} has no value for {other}"
            pair = (str(feature), other) if account is None else (other, account)
            yield Expectation(spec, pair[0], pair[1], _value(cell), because)


def _value(cell: str) -> Value:
    """``null``, a text, or a number that may be written as how it is reckoned: ``2/3 - 1``."""
    if cell == "null":
        return None
    if not re.search(r"\d", cell):
        return cell
    return float(_reckon(ast.parse(cell, mode="eval").body))


def _reckon(node: ast.AST) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(str(node.value))
    if isinstance(node, ast.BinOp):
        return _ARITHMETIC[type(node.op)](_reckon(node.left), _reckon(node.right))
    assert isinstance(node, ast.UnaryOp), ast.dump(node)
    return _ARITHMETIC[type(node.op)](_reckon(node.operand))
