"""Rollups on disk: built whole or by the day they say the same, and nothing is taken in twice."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from features.errors import InputError
from features.ledger import read_ledger
from tests.integration.fault import fail_at, raising
from tests.integration.usage_file import (
    CATALOGUE,
    DATES,
    Row,
    assert_same,
    built_at_once,
    days,
    features_of,
    open_files,
    settings_of,
    usage_of_day,
    write_usage,
)


def write_days(folder: Path, number: int, *, size: int = 1, **kind: Any) -> list[Path]:
    """Files of so many days each."""
    wanted = days(number)
    return [
        write_usage(
            folder / f"{wanted[first]}.parquet",
            [row for day in wanted[first : first + size] for row in usage_of_day(day, **kind)],
        )
        for first in range(0, number, size)
    ]


def arrive(files: list[Path], folder: Path, home: Path, **kind: Any) -> Any:
    """Let files come one by one, each followed by a build; the features after the last."""
    folder.mkdir(exist_ok=True)
    source = None
    for file in files:
        shutil.copy(file, folder / file.name)
        source = open_files(folder, home, **kind)
    assert source is not None
    return features_of(source)


@pytest.mark.parametrize("sessions", [True, False])
def test_files_that_come_one_by_one_give_the_same_as_all_at_once(
    sessions: bool, tmp_path: Path
) -> None:
    files = write_days(tmp_path / "all", 112, size=14, sessions=sessions)
    found = arrive(files, tmp_path / "came", tmp_path / "home")
    assert_same(found, built_at_once(tmp_path / "all", tmp_path / "other"))
    ledger = read_ledger(tmp_path / "home" / "rollup")
    assert ledger is not None
    assert len(ledger.parts) == len(files)


def test_files_that_come_in_any_order_give_the_same(tmp_path: Path) -> None:
    files = write_days(tmp_path / "all", 112, size=14)
    found = arrive(files[::-1], tmp_path / "came", tmp_path / "home")
    assert_same(found, built_at_once(tmp_path / "all", tmp_path / "other"))


def test_many_files_are_merged_and_give_the_same(tmp_path: Path) -> None:
    files = write_days(tmp_path / "all", 70, size=2)
    found = arrive(files, tmp_path / "came", tmp_path / "home")
    assert_same(found, built_at_once(tmp_path / "all", tmp_path / "other"))
    ledger = read_ledger(tmp_path / "home" / "rollup")
    assert ledger is not None
    assert len(files) == 35
    assert len(ledger.parts) < 32


def test_the_same_file_adds_nothing_under_its_own_or_another_name(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    shutil.copy(files[0], tmp_path / "data" / "again.parquet")
    files[1].touch()
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)
    assert_same(built_at_once(tmp_path / "data", tmp_path / "other"), before)


def test_an_event_that_comes_in_two_files_counts_once(tmp_path: Path) -> None:
    write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    again = [row for day in days(112)[50:60] for row in usage_of_day(day)]
    later = [{**row, "known_at": date(2025, 4, 29)} for row in again]
    write_usage(tmp_path / "data" / "later.parquet", later)
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)
    assert_same(built_at_once(tmp_path / "data", tmp_path / "other"), before)


def test_a_renamed_file_is_the_same_file(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    files[0].rename(tmp_path / "data" / "renamed.parquet")
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)
    anew = features_of(open_files(tmp_path / "data", tmp_path / "home", catalogue={}))
    assert_same(anew, built_at_once(tmp_path / "data", tmp_path / "other", catalogue={}))


def test_a_changed_file_is_refused_until_a_rebuild(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28)
    home = tmp_path / "home"
    before = features_of(open_files(tmp_path / "data", home))
    kept = files[2].read_bytes()
    rows = [row for day in days(112)[56:84] for row in usage_of_day(day)]
    write_usage(files[2], [{**row, "count": 9} for row in rows])
    for _ in range(2):
        with pytest.raises(
            InputError, match=rf"{files[2]}: changed.*check --config FILE --rebuild"
        ):
            open_files(tmp_path / "data", home)
    changed = features_of(open_files(tmp_path / "data", home, rebuild=True))
    assert not changed.equals(before)
    assert_same(changed, built_at_once(tmp_path / "data", tmp_path / "other"))
    files[2].write_bytes(kept)
    with pytest.raises(InputError, match="changed since it was taken in"):
        open_files(tmp_path / "data", home)
    assert_same(features_of(open_files(tmp_path / "data", home, rebuild=True)), before)


def test_a_flipped_bit_is_refused_and_the_old_file_mends_it(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    sound = files[1].read_bytes()
    files[1].write_bytes(sound[:100] + bytes([sound[100] ^ 1]) + sound[101:])
    with pytest.raises(InputError, match=str(files[1])):
        open_files(tmp_path / "data", tmp_path / "home")
    files[1].write_bytes(sound)
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)


def test_a_late_file_changes_only_what_is_asked_after_it_was_known(tmp_path: Path) -> None:
    write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    known = DATES[1]
    late = [
        {**row, "known_at": known, "event_id": f"late-{row['event_id']}", "count": 5}
        for day in days(50)
        for row in usage_of_day(day)
    ]
    write_usage(tmp_path / "data" / "late.parquet", late)
    after = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    early = before["as_of"] <= str(known)
    assert early.any()
    assert_same(after[early], before[early])
    assert not after[~early].equals(before[~early])
    assert_same(after, built_at_once(tmp_path / "data", tmp_path / "other"))


def test_a_file_that_is_gone_keeps_its_rows(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28, sessions=False)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    files[0].unlink()
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)
    more = [row for day in days(115)[112:] for row in usage_of_day(day, sessions=False)]
    write_usage(tmp_path / "data" / "more.parquet", more)
    assert len(features_of(open_files(tmp_path / "data", tmp_path / "home"))) == len(before)


def test_a_file_that_is_gone_stops_a_new_build_until_it_is_left_out(tmp_path: Path) -> None:
    files = write_days(tmp_path / "data", 112, size=28)
    open_files(tmp_path / "data", tmp_path / "home")
    files[0].unlink()
    with pytest.raises(InputError, match=rf"{files[0]}.*no longer there.*--rebuild"):
        open_files(tmp_path / "data", tmp_path / "home", catalogue={})
    anew = features_of(open_files(tmp_path / "data", tmp_path / "home", rebuild=True))
    assert_same(anew, built_at_once(tmp_path / "data", tmp_path / "other"))


def test_another_catalogue_of_events_is_read_anew(tmp_path: Path) -> None:
    write_days(tmp_path / "data", 112, size=28)
    open_files(tmp_path / "data", tmp_path / "home")
    other = {**CATALOGUE, "view": {"module": "data", "value_action": True}}
    found = features_of(open_files(tmp_path / "data", tmp_path / "home", catalogue=other))
    assert_same(found, built_at_once(tmp_path / "data", tmp_path / "new", catalogue=other))


@pytest.mark.parametrize("at", ["COPY pass_user", "id.parquet", "ledger.json"])
def test_a_killed_build_leaves_the_last_rollup_and_a_rerun_finishes(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write_days(tmp_path / "all", 112, size=28, sessions=False)
    data, home = tmp_path / "data", tmp_path / "home"
    arrive(files[:3], data, home)
    last = (home / "rollup" / "ledger.json").read_bytes()
    shutil.copy(files[3], data)
    with monkeypatch.context() as patched:
        _kill(patched, at)
        with pytest.raises(KeyboardInterrupt):
            open_files(data, home)
    assert (home / "rollup" / "ledger.json").read_bytes() == last
    found = features_of(open_files(data, home))
    assert_same(found, built_at_once(tmp_path / "all", tmp_path / "other"))


def _kill(patched: pytest.MonkeyPatch, at: str) -> None:
    """Stop the process at a statement of DuckDB, or at the last act of the build."""
    if at == "ledger.json":
        patched.setattr("features.ledger.os.fsync", raising(KeyboardInterrupt()))
    else:
        fail_at(patched, at, KeyboardInterrupt())


def test_a_build_without_new_files_reads_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(tmp_path / "data", 112, size=28)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))

    def refuse(file: Path) -> str:
        raise AssertionError(file)

    monkeypatch.setattr("features.delivery.hash_file", refuse)
    assert_same(features_of(open_files(tmp_path / "data", tmp_path / "home")), before)


def test_a_new_event_after_many_others_is_told_apart(tmp_path: Path) -> None:
    start = days(1)[0]
    rows = usage_of_day(start + timedelta(days=1), sessions=False)[:1]
    many = [{**rows[0], "event": f"e{number:03}", "event_id": f"x{number}"} for number in range(63)]
    data, home = tmp_path / "data", tmp_path / "home"
    write_usage(data / "1.parquet", many)
    open_files(data, home)
    later = [{**rows[0], "event": "aaa", "event_id": "y", "ts": DATES[0] - timedelta(days=1)}]
    later[0]["known_at"] = None
    write_usage(data / "2.parquet", later)
    assert_same(features_of(open_files(data, home)), built_at_once(data, tmp_path / "other"))


def test_a_home_may_have_an_apostrophe_in_its_path(tmp_path: Path) -> None:
    files = write_days(tmp_path / "all", 28, size=14)
    found = arrive(files, tmp_path / "came", tmp_path / "O'Brien's")
    assert_same(found, built_at_once(tmp_path / "all", tmp_path / "other"))


def test_a_damaged_ledger_is_said_and_not_forgotten(tmp_path: Path) -> None:
    write_days(tmp_path / "all", 14, size=14)
    open_files(tmp_path / "all", tmp_path / "home")
    (tmp_path / "home" / "rollup" / "ledger.json").write_text("{")
    with pytest.raises(InputError, match=r"ledger\.json: cannot be read"):
        open_files(tmp_path / "all", tmp_path / "home")


BAD = pytest.mark.parametrize(
    "wrong", [{"count": -1}, {"duration_s": -1.0}, {"ts": date(1, 1, 1)}, {"account_id": None}]
)


@BAD
def test_a_row_that_cannot_be_used_leaves_the_others_of_its_user_and_day(
    wrong: Row, tmp_path: Path
) -> None:
    rows = usage_of_day(days(1)[0])
    checks: dict[str, Any] = {"checks": {"invalid_value": "quarantine"}}
    write_usage(tmp_path / "good" / "0.parquet", rows)
    write_usage(tmp_path / "bad" / "0.parquet", [*rows, rows[0] | wrong | {"event_id": "wrong"}])
    source = open_files(tmp_path / "bad", tmp_path / "home", **checks)
    assert_same(features_of(source), built_at_once(tmp_path / "good", tmp_path / "new", **checks))
    assert [problem.rows for problem in source.notices if problem.action == "quarantine"] == [1]


def test_a_fraction_of_an_event_is_refused(tmp_path: Path) -> None:
    query = "SELECT 'A' AS account_id, DATE '2025-01-06' AS ts, 'save' AS event, 1.5 AS count"
    with pytest.raises(InputError, match=r"usage\.count: must be a whole number"):
        open_files(tmp_path / "data", tmp_path / "home", usage=query)


def test_a_part_with_many_new_events_of_long_ago_is_not_missed(tmp_path: Path) -> None:
    rows = usage_of_day(days(1)[0], late=False)
    old = [rows[0] | {"event": f"event {n}", "event_id": f"e{n}"} for n in range(70)]
    for folder in ("data", "whole"):
        write_usage(tmp_path / folder / "0.parquet", rows)
    open_files(tmp_path / "data", tmp_path / "home")
    for folder in ("data", "whole"):
        write_usage(tmp_path / folder / "1.parquet", old)
    late: dict[str, Any] = {"time": {"data_end": date(2026, 1, 1)}, "checks": {"fresh": "allow"}}
    open_files(tmp_path / "data", tmp_path / "home", **late)
    dates = [date(2025, 12, 29)]
    found = features_of(open_files(tmp_path / "data", tmp_path / "home", **late), dates)
    assert_same(found, features_of(open_files(tmp_path / "whole", tmp_path / "new", **late), dates))


def test_the_file_that_differs_from_most_is_named(tmp_path: Path) -> None:
    for number in range(3):
        write_usage(tmp_path / "data" / f"{number}.parquet", usage_of_day(days(3)[number]))
    odd = pq.read_table(tmp_path / "data" / "0.parquet")
    odd = odd.set_column(odd.schema.get_field_index("count"), "count", odd["count"].cast("string"))
    pq.write_table(odd, tmp_path / "data" / "0.parquet")
    with pytest.raises(InputError, match=r"0\.parquet\.count: is VARCHAR in this file") as refused:
        open_files(tmp_path / "data", tmp_path / "home")
    assert len(refused.value.problems) == 1


def test_a_column_that_only_a_later_file_has_is_refused(tmp_path: Path) -> None:
    one, two = (usage_of_day(day) for day in days(2))
    write_usage(tmp_path / "data" / "0.parquet", one, without=["known_at"])
    open_files(tmp_path / "data", tmp_path / "home")
    write_usage(tmp_path / "data" / "1.parquet", two)
    with pytest.raises(InputError, match=r"1\.parquet\.known_at: is in this file, but not in"):
        open_files(tmp_path / "data", tmp_path / "home")


def test_days_alike_in_folders_named_by_the_day_are_two(tmp_path: Path) -> None:
    rows = usage_of_day(days(1)[0], late=False)
    for day in ("2025-01-06", "2025-01-07"):
        write_usage(
            tmp_path / "data" / f"day={day}" / "x.parquet", rows, without=["ts", "known_at"]
        )
    usage = (
        "SELECT * EXCLUDE (day, event_id), CAST(day AS DATE) AS ts "
        f"FROM read_parquet('{tmp_path}/data/*/*.parquet')"
    )
    found = features_of(open_files(tmp_path / "data", tmp_path / "home", usage=usage))
    assert found["active_days_91d"].max() == 2
    folder = tmp_path / "data" / "day=2025-01-07"
    shutil.copy(folder / "x.parquet", folder / "y.parquet")
    again = features_of(open_files(tmp_path / "data", tmp_path / "home", usage=usage))
    assert_same(again, found)


def test_a_query_over_all_files_does_not_count_the_same_content_twice(tmp_path: Path) -> None:
    for name in ("0", "copy"):
        write_usage(tmp_path / "data" / f"{name}.parquet", usage_of_day(days(1)[0]))
    usage = (
        "SELECT account_id, ts, event, sum(count) AS count "
        f"FROM read_parquet('{tmp_path}/data/*.parquet') GROUP BY ALL"
    )
    with pytest.raises(InputError, match=r"copy\.parquet: holds what another file holds"):
        open_files(tmp_path / "data", tmp_path / "home", usage=usage)


def test_names_that_differ_only_in_case_are_refused() -> None:
    modules = {"save": {"module": "report"}, "view": {"module": "Report"}}
    events: dict[str, dict[str, str]] = {"save": {}, "Save": {}}
    for catalogue in (events, modules):
        with pytest.raises(ValidationError, match="differ only in case"):
            settings_of("SELECT 1", catalogue=catalogue)


def test_too_little_memory_for_features_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_usage(tmp_path / "data" / "0.parquet", usage_of_day(days(1)[0]))
    source = open_files(tmp_path / "data", tmp_path / "home")
    fault = raising(duckdb.OutOfMemoryException("failed to allocate"))
    monkeypatch.setattr("features.usage.read_roster", fault)
    with pytest.raises(InputError, match=r"config\.memory_limit: is too small.*raise"):
        features_of(source)
