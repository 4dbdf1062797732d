"""What stops a build names the file and the remedy, leaves the last rollup, and can be mended."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.errors import InputError, KeepwellError
from tests.integration.fault import fail_at, raising
from tests.integration.usage_file import (
    Row,
    assert_same,
    built_at_once,
    days,
    features_of,
    open_files,
    usage_of_day,
    write_usage,
)

NAMES = ("account_id", "ts", "event", "event_id", "user_id", "count", "duration_s", "known_at")
Spoil = Callable[[Path, Path], None]


def rows_of(first: int, last: int) -> list[Row]:
    return [row for day in days(last)[first:] for row in usage_of_day(day, sessions=False)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with usage of 84 days, taken in under ``home``."""
    folder = tmp_path / "data"
    for number in range(3):
        write_usage(folder / f"{number}.parquet", rows_of(28 * number, 28 * number + 28))
    open_files(folder, tmp_path / "home")
    return folder


def cut_short(file: Path, sound: Path) -> None:
    file.write_bytes(sound.read_bytes()[:900])


def without_a_byte(file: Path, _: Path) -> None:
    file.write_bytes(b"")


def with_a_hole(file: Path, sound: Path) -> None:
    content = sound.read_bytes()
    file.write_bytes(content[:60] + bytes(500) + content[560:])


def renamed_column(file: Path, sound: Path) -> None:
    query = f"SELECT * RENAME (event AS action) FROM '{sound}'"
    duckdb.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")


def retyped(column: str, kind: str) -> Spoil:
    def spoil(file: Path, sound: Path) -> None:
        query = f"SELECT * REPLACE (CAST({column} AS {kind}) AS {column}) FROM '{sound}'"
        duckdb.execute(f"COPY ({query}) TO '{file}' (FORMAT parquet)")

    return spoil


def linked(file: Path, sound: Path) -> None:
    file.symlink_to(sound)


SPOILT: dict[str, tuple[Spoil, str]] = {
    "cut short": (cut_short, "write that file again"),
    "empty": (without_a_byte, "write that file again: it is empty or cut short"),
    "a hole in it": (with_a_hole, "write that file again|mend tables.usage"),
    "a renamed column": (renamed_column, "again like the others|mend tables.usage"),
    "counts as text": (retyped("count", "VARCHAR"), "write that file again like the others"),
    "days as text": (retyped("ts", "VARCHAR"), "write that file again like the others"),
    "days as timestamps": (retyped("ts", "TIMESTAMP"), "write that file again like the others"),
    "a symbolic link": (linked, "name the files themselves"),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", SPOILT)
def test_a_broken_file_stops_the_build_by_name_and_can_be_mended(
    name: str, first: bool, data: Path, tmp_path: Path
) -> None:
    spoil, remedy = SPOILT[name]
    home = tmp_path / ("new" if first else "home")
    last = ledger_of(home)
    sound, file = tmp_path / "sound.parquet", data / "3.parquet"
    write_usage(sound, rows_of(84, 112))
    spoil(file, sound)
    with pytest.raises(InputError) as raised:
        open_files(data, home)
    said = str(raised.value)
    assert str(file) in said
    assert re.search(remedy, said)
    assert ledger_of(home) == last
    file.unlink()
    file.write_bytes(sound.read_bytes())
    assert_same(features_of(open_files(data, home)), built_at_once(data, tmp_path / "other"))


def ledger_of(home: Path) -> bytes | None:
    """What the last good rollup consists of; None before the first."""
    file = home / "rollup" / "ledger.json"
    return file.read_bytes() if file.exists() else None


@pytest.mark.parametrize("kind", ["BIGINT", "DOUBLE"])
def test_another_sort_of_number_is_read_as_before(kind: str, data: Path, tmp_path: Path) -> None:
    sound = write_usage(tmp_path / "sound.parquet", rows_of(84, 112))
    retyped("count", kind)(data / "3.parquet", sound)
    found = features_of(open_files(data, tmp_path / "home"))
    assert_same(found, built_at_once(data, tmp_path / "other"))


def test_a_column_that_comes_later_is_read_where_the_query_says_so(
    data: Path, tmp_path: Path
) -> None:
    usage = f"SELECT * FROM read_parquet('{data}/*.parquet', union_by_name = true)"
    home = tmp_path / "by_name"
    write_usage(data / "0.parquet", rows_of(0, 28), without=["duration_s"])
    open_files(data, home, usage=usage)
    write_usage(data / "3.parquet", rows_of(84, 112), without=["duration_s"])
    found = features_of(open_files(data, home, usage=usage))
    assert_same(found, built_at_once(data, tmp_path / "other", usage=usage))


def test_a_file_without_rows_adds_nothing(data: Path, tmp_path: Path) -> None:
    before = features_of(open_files(data, tmp_path / "home"))
    write_usage(data / "3.parquet", [], without=["session_id"])
    assert_same(features_of(open_files(data, tmp_path / "home")), before)


def test_usage_without_any_row_is_said(tmp_path: Path) -> None:
    write_usage(tmp_path / "data" / "0.parquet", [], without=["session_id"])
    with pytest.raises(InputError, match="usage: is empty: its query returned no row"):
        open_files(tmp_path / "data", tmp_path / "home")
    assert ledger_of(tmp_path / "home") is None


def test_a_path_that_climbs_is_refused(data: Path, tmp_path: Path) -> None:
    last = ledger_of(tmp_path / "home")
    usage = f"SELECT * FROM read_parquet('{data}/../data/*.parquet')"
    with pytest.raises(InputError, match=r"usage: must not climb with \.\. .*in full"):
        open_files(data, tmp_path / "home", usage=usage)
    assert ledger_of(tmp_path / "home") == last


FULL = {
    "a statement": ("COPY", duckdb.IOException("could not write: No space left on device")),
    "memory": ("CREATE OR REPLACE TEMP TABLE pass ", duckdb.OutOfMemoryException("too small")),
}


@pytest.mark.parametrize("kind", FULL)
def test_a_full_disk_or_memory_is_said_and_a_rerun_finishes(
    kind: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, (at, error) = tmp_path / "home", FULL[kind]
    last = ledger_of(home)
    write_usage(data / "3.parquet", rows_of(84, 112))
    with monkeypatch.context() as patched:
        fail_at(patched, at, error)
        with pytest.raises(KeepwellError, match=r"make room .*KEEPWELL_HOME"):
            open_files(data, home)
    assert ledger_of(home) == last
    assert_same(features_of(open_files(data, home)), built_at_once(data, tmp_path / "other"))


@pytest.mark.parametrize("call", ["features.ledger.os.fsync", "features.rollup.Path.mkdir"])
def test_a_disk_that_is_full_at_the_last_act_is_said(
    call: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    last = ledger_of(home)
    write_usage(data / "3.parquet", rows_of(84, 112))
    with monkeypatch.context() as patched:
        if call.startswith("features.ledger"):
            patched.setattr(call, raising(OSError(errno.ENOSPC, "No space left on device")))
        else:
            patched.setattr(
                "features.intake.write_part", raising(OSError(errno.ENOSPC, "No space left"))
            )
        with pytest.raises(KeepwellError, match=r"rollup cannot be written to: No space left.*"):
            open_files(data, home)
    assert ledger_of(home) == last
    assert_same(features_of(open_files(data, home)), built_at_once(data, tmp_path / "other"))


def test_too_little_memory_is_said_and_a_rerun_with_more_finishes(tmp_path: Path) -> None:
    query = """SELECT 'A' AS account_id, DATE '2025-01-06' + (i % 90)::INTEGER AS ts,
        'save' AS event, 'e' || i AS event_id, 'u' || (i % 50000) AS user_id
        FROM range(300000) AS t(i)"""
    (tmp_path / "data").mkdir()
    duckdb.execute(f"COPY ({query}) TO '{tmp_path}/data/0.parquet'")
    with pytest.raises(InputError, match=r"config\.memory_limit: is too small.*raise"):
        open_files(tmp_path / "data", tmp_path / "home", memory_limit="6MB")
    assert ledger_of(tmp_path / "home") is None
    assert len(features_of(open_files(tmp_path / "data", tmp_path / "home"))) > 0


def write_csv(file: Path, rows: Sequence[Row], *, encoding: str, end: str, event: str) -> None:
    lines = [",".join(NAMES)]
    for row in rows:
        cells = {**row, "event": event if row["event"] == "login" else row["event"]}
        lines.append(",".join("" if cells[name] is None else str(cells[name]) for name in NAMES))
    with file.open("w", encoding=encoding, newline="") as opened:
        opened.write(end.join(lines) + end)


CSV = {
    "plain": ("utf-8", "\n", "login"),
    "a byte order mark": ("utf-8-sig", "\n", "login"),
    "CRLF": ("utf-8", "\r\n", "login"),
    "a line end inside quotes": ("utf-8", "\n", '"log\nin"'),
}


@pytest.fixture
def csv_home(tmp_path: Path) -> dict[str, Any]:  # Any: options of open_files
    """A home in which CSV files of 28 days are taken in."""
    (tmp_path / "csv").mkdir()
    rows = rows_of(0, 28)
    write_csv(tmp_path / "csv" / "0.csv", rows, encoding="utf-8", end="\n", event="login")
    usage = f"SELECT * FROM read_csv('{tmp_path}/csv/*.csv')"
    return {"folder": tmp_path / "csv", "home": tmp_path / "home", "usage": usage}


@pytest.mark.parametrize("name", CSV)
def test_csv_files_as_other_programs_write_them_are_taken_in(
    name: str, csv_home: dict[str, Any], tmp_path: Path
) -> None:
    encoding, end, event = CSV[name]
    open_files(**csv_home)
    file = tmp_path / "csv" / "1.csv"
    write_csv(file, rows_of(28, 112), encoding=encoding, end=end, event=event)
    for row in (rows := rows_of(0, 112)):
        row["event"] = (
            event.strip('"')
            if row["event"] == "login" and row["ts"] >= days(29)[28]
            else row["event"]
        )
    write_usage(tmp_path / "parquet" / "0.parquet", rows)
    expected = built_at_once(tmp_path / "parquet", tmp_path / "other")
    assert_same(features_of(open_files(**csv_home)), expected)


def test_a_csv_file_in_latin_1_is_named(csv_home: dict[str, Any], tmp_path: Path) -> None:
    open_files(**csv_home)
    last = ledger_of(tmp_path / "home")
    file = tmp_path / "csv" / "1.csv"
    write_csv(file, rows_of(28, 56), encoding="latin-1", end="\n", event="löschen")
    with pytest.raises(InputError, match="save that file as UTF-8") as raised:
        open_files(**csv_home)
    assert str(file) in str(raised.value)
    assert ledger_of(tmp_path / "home") == last
    write_csv(file, rows_of(28, 56), encoding="utf-8", end="\n", event="löschen")
    open_files(**csv_home)
