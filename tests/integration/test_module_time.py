"""The seconds in each module, as a rollup keeps them, are those of its events."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from features.erasure import erase_user
from features.source import Source
from tests.integration.usage_file import CATALOGUE, Row, days, open_files, usage_of_day, write_usage

Told = Counter[tuple[object, ...]]


def all_rows(number: int = 56, **kind: Any) -> list[Row]:
    return [row for day in days(number) for row in usage_of_day(day, **kind)]


def held(source: Source) -> Told:
    """Seconds by account, user, day, day of knowledge and module."""
    usage = source.usage
    assert usage is not None
    found: Told = Counter()
    for name in usage.facts.times:
        query = f"""SELECT account_id, user_id, day, known_day, {usage.column_of(name)}
            FROM ({usage.dated})"""
        for *key, seconds in source.connection.execute(query).fetchall():
            found[*key, name] += seconds
    return +found


def added_up(rows: Iterable[Row]) -> Told:
    """The same by a plain loop; half a second and more is a second."""
    found: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        kind = CATALOGUE.get(row["event"])
        if kind is None or not row["duration_s"]:
            continue
        key = (row["account_id"], row["user_id"], row["ts"], row["known_at"] or row["ts"])
        found[*key, f"time:{kind['module']}"] += row["duration_s"]
    return Counter({key: math.floor(seconds + 0.5) for key, seconds in found.items()})


def write_halves(folder: Path, rows: list[Row]) -> None:
    for number, half in enumerate((rows[: len(rows) // 2], rows[len(rows) // 2 :])):
        write_usage(folder / f"{number}.parquet", half)


@pytest.mark.parametrize("sessions", [True, False])
def test_the_time_of_a_module_is_that_of_its_events_also_where_rows_came_late(
    sessions: bool, tmp_path: Path
) -> None:
    rows = all_rows(sessions=sessions)
    assert any(row["known_at"] > row["ts"] for row in rows)
    write_halves(tmp_path / "data", rows)
    found = held(open_files(tmp_path / "data", tmp_path / "home"))
    assert found == added_up(rows)
    assert {key[-1] for key in found} == {"time:data", "time:report"}


def test_time_longer_than_two_modules_share_a_number_for_is_kept_whole(tmp_path: Path) -> None:
    rows = all_rows(14)
    rows[0] = {**rows[0], "duration_s": 3.0e9, "event": "save"}
    rows[1] = {**rows[1], "duration_s": 1.0e6, "event": "export"}
    write_usage(tmp_path / "data" / "0.parquet", rows)
    assert held(open_files(tmp_path / "data", tmp_path / "home")) == added_up(rows)


def test_a_row_without_a_sound_duration_takes_no_time_of_others_away(tmp_path: Path) -> None:
    rows = all_rows(14)
    broken = {**rows[0], "duration_s": -1.0, "event_id": "broken"}
    write_usage(tmp_path / "data" / "0.parquet", [*rows, broken])
    checks = {"invalid_value": "quarantine"}
    assert held(open_files(tmp_path / "data", tmp_path / "home", checks=checks)) == added_up(rows)


def test_whole_seconds_are_added_up_as_they_are(tmp_path: Path) -> None:
    rows = [{**row, "duration_s": 7.0} for row in all_rows(14)]
    write_usage(tmp_path / "data" / "0.parquet", rows)
    usage = f"""SELECT * REPLACE (CAST(duration_s AS INTEGER) AS duration_s)
        FROM read_parquet('{tmp_path}/data/*.parquet')"""
    found = held(open_files(tmp_path / "data", tmp_path / "home", usage=usage))
    assert found == added_up(rows)


def test_the_time_of_an_erased_user_is_gone(tmp_path: Path) -> None:
    rows = all_rows()
    write_halves(tmp_path / "data", rows)
    open_files(tmp_path / "data", tmp_path / "home")
    erase_user(tmp_path / "home" / "rollup", "u2", quarantine=tmp_path / "home" / "quarantine")
    found = held(open_files(tmp_path / "data", tmp_path / "home"))
    assert found == added_up(row for row in rows if row["user_id"] != "u2")


def test_without_durations_or_modules_no_time_of_a_module_is_kept(tmp_path: Path) -> None:
    write_usage(tmp_path / "data" / "0.parquet", all_rows(14))
    usage = f"SELECT * EXCLUDE (duration_s) FROM read_parquet('{tmp_path}/data/*.parquet')"
    without = open_files(tmp_path / "data", tmp_path / "home", usage=usage)
    nameless = open_files(tmp_path / "data", tmp_path / "other", catalogue={})
    for source in (without, nameless):
        assert source.usage is not None
        assert not any(name.startswith("time_") for name in source.usage.columns)
