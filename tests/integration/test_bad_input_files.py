"""Files of the smaller tables from other programs: odd ones work, broken ones are named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.conftest import Call

HEAD, MANY = "account_id,name\n", "".join(f"A{row:05},Anna Meier\n" for row in range(1, 30_001))
LATER = "A99999,Bob Secret"


def parquet(folder: Path) -> bytes:
    """A sound Parquet file of accounts."""
    file = folder / "sound.parquet"
    query = (
        "SELECT 'A' || printf('%05d', i) AS account_id, 'n' || i AS name FROM range(1, 9000) t(i)"
    )
    duckdb.execute(f"COPY ({query}) TO '{file}'")
    return file.read_bytes()


def read(config: dict[str, Any], file: Path) -> None:  # Any: YAML
    """Let the accounts come from this file, without what else a configuration says of them."""
    reader = "read_parquet" if file.suffix == ".parquet" else "read_csv"
    config["tables"]["accounts"] = f"SELECT * FROM {reader}('{file}')"
    config["attributes"], config["slices"] = {}, []


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "an empty Parquet file": ("a.parquet", b"", "write that file again: it is empty"),
    "no Parquet at all": ("a.parquet", b"<html>moved</html>" * 9, "write that file again"),
    "latin-1": ("a.csv", f"{HEAD}A1,Müller\n".encode("latin-1"), "save that file as UTF-8"),
    "UTF-16": ("a.csv", f"{HEAD}A1,Müller\n".encode("utf-16"), "save that file as UTF-8"),
    "latin-1 far down": (
        "a.csv",
        f"{HEAD}{MANY}A99999,Müller\n".encode("latin-1"),
        "save that file as UTF-8",
    ),
    "a cell too many": ("a.csv", f"{HEAD}{MANY}{LATER},9,x\n".encode(), "mend that line"),
    "mixed ends of lines": (
        "a.csv",
        b"account_id,name\r\nA1,x\nA2,y\r\n",
        "the file that it reads",
    ),
    "no gzip": ("a.csv.gz", b"nonsense", "the file that it reads"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_with_the_remedy_and_without_its_rows(
    name: str, config: dict[str, Any], check: Call, tmp_path: Path
) -> None:
    file, content, remedy = BROKEN[name]
    (tmp_path / file).write_bytes(content)
    read(config, tmp_path / file)
    code, out, err = check(config)
    (problem,) = [p for p in json.loads(out)["problems"] if p["table"] == "accounts"]
    assert code == 2
    assert str(tmp_path / file) in problem["rule"]
    assert remedy in problem["remedy"]
    assert "Secret" not in out + err


@pytest.mark.parametrize("kind", ["cut short", "damaged"])
def test_a_parquet_file_that_is_cut_short_or_damaged_is_named(
    kind: str, config: dict[str, Any], check: Call, tmp_path: Path
) -> None:
    sound, file = parquet(tmp_path), tmp_path / "a.parquet"
    file.write_bytes(sound[: len(sound) // 2] if kind == "cut short" else damage(sound))
    read(config, file)
    code, out, _ = check(config)
    (problem,) = [p for p in json.loads(out)["problems"] if p["table"] == "accounts"]
    assert code == 2
    assert str(file) in problem["rule"]
    assert problem["remedy"] == "write that file again: it is " + (
        "cut short, or no Parquet" if kind == "cut short" else kind
    )


def damage(content: bytes) -> bytes:
    """The same with a hole near its beginning; the footer is whole."""
    return content[:200] + bytes(300) + content[500:]


@pytest.mark.parametrize("content", ["", HEAD])
def test_a_csv_file_without_rows_is_said_of_its_table(
    content: str, config: dict[str, Any], check: Call, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(content)
    read(config, tmp_path / "a.csv")
    code, out, _ = check(config)
    found = [p for p in json.loads(out)["problems"] if p["table"] == "accounts"]
    assert code == 2
    assert found
    assert all(problem["remedy"] for problem in found)


SOUND = {
    "a byte order mark": f"\ufeff{HEAD}{MANY}".encode(),
    "CRLF": f"{HEAD}{MANY}".replace("\n", "\r\n").encode(),
    "CR alone": f"{HEAD}{MANY}".replace("\n", "\r").encode(),
    "semicolons": f"{HEAD}{MANY}".replace(",", ";").encode(),
    "no end of the last line": f"{HEAD}{MANY}".rstrip("\n").encode(),
    "a line end inside quotes": f'{HEAD}{MANY}A99998,"two\nlines, and ""quotes"""\n'.encode(),
    "umlauts": f"{HEAD}{MANY}A99998,Müller 株式会社\n".encode(),
}


@pytest.mark.parametrize("name", SOUND)
def test_csv_files_as_other_programs_write_them_are_read(
    name: str, config: dict[str, Any], check: Call, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes(SOUND[name])
    read(config, tmp_path / "a.csv")
    code, out, err = check(config)
    assert code == 0, err
    assert not [p for p in json.loads(out)["problems"] if p["table"] == "accounts"]


def test_a_compressed_csv_file_is_read(config: dict[str, Any], check: Call, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(f"{HEAD}{MANY}".encode()))
    read(config, tmp_path / "a.csv.gz")
    code, _, err = check(config)
    assert code == 0, err
