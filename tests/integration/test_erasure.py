"""A user who is erased is gone from features, rollup and quarantine, and stays gone."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from features.erasure import Erased, erase_user
from features.errors import InputError, KeepwellError
from features.ledger import read_ledger
from pipelines.cli import main
from tests.integration.fault import raising
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

WHO = pytest.mark.parametrize("account_id", [None, "B"])


def is_erased(row: Row, account_id: str | None) -> bool:
    return row["user_id"] == "u2" and account_id in (None, row["account_id"])


def write_files(folder: Path, *, without: str | None = None, account_id: str | None = None) -> None:
    """112 days of usage in four files, if wanted without ``u2``, or without that of an account."""
    for number in range(4):
        rows = [r for day in days(112)[28 * number : 28 * number + 28] for r in usage_of_day(day)]
        rows = [row for row in rows if without is None or not is_erased(row, account_id)]
        write_usage(folder / f"{number}.parquet", rows)


def erase(home: Path, account_id: str | None = None) -> Erased:
    return erase_user(home / "rollup", "u2", account_id, quarantine=home / "quarantine")


def users_in(home: Path) -> set[tuple[str, str]]:
    """Every user in any part that lies in the rollup's folder."""
    files = f"{home}/rollup/*/user.parquet"
    query = f"SELECT account_id, user_id FROM '{files}' WHERE user_id IS NOT NULL"
    return set(duckdb.execute(query).fetchall())


@WHO
def test_after_an_erasure_all_is_as_if_the_user_had_never_been(
    account_id: str | None, tmp_path: Path
) -> None:
    write_files(tmp_path / "data")
    write_files(tmp_path / "other", without="u2", account_id=account_id)
    before = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    erased = erase(tmp_path / "home", account_id)
    assert erased.accounts == (3 if account_id is None else 1)
    assert erased.days > 0
    found = features_of(open_files(tmp_path / "data", tmp_path / "home"))
    assert not found.equals(before)
    assert_same(found, built_at_once(tmp_path / "other", tmp_path / "new"))
    assert ("B", "u2") not in users_in(tmp_path / "home")
    assert (("A", "u2") in users_in(tmp_path / "home")) == (account_id == "B")


@WHO
def test_files_that_still_hold_the_user_are_read_without_it(
    account_id: str | None, tmp_path: Path
) -> None:
    write_files(tmp_path / "data")
    write_files(tmp_path / "other", without="u2", account_id=account_id)
    home = tmp_path / "home"
    erase(home, account_id)  # before anything was read
    expected = built_at_once(tmp_path / "other", tmp_path / "new")
    assert_same(features_of(open_files(tmp_path / "data", home)), expected)
    assert_same(features_of(open_files(tmp_path / "data", home, rebuild=True)), expected)
    late = [row for day in days(115)[112:] for row in usage_of_day(day)]
    write_usage(tmp_path / "data" / "4.parquet", late)
    open_files(tmp_path / "data", home)
    assert ("B", "u2") not in users_in(home)


def test_a_user_who_comes_after_an_erasure_is_another_one(tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    rows = [row for day in days(28) for row in usage_of_day(day, sessions=False)]
    write_usage(data / "0.parquet", rows)
    open_files(data, home)
    erase_user(home / "rollup", "u3", quarantine=home / "quarantine")
    later = [row for day in days(56)[28:] for row in usage_of_day(day, sessions=False)]
    later = [{**row, "user_id": "new" if row["user_id"] == "u2" else None} for row in later]
    write_usage(data / "1.parquet", later)
    other = [row for row in rows if row["user_id"] != "u3"]
    write_usage(tmp_path / "other" / "0.parquet", other)
    write_usage(tmp_path / "other" / "1.parquet", later)
    expected = built_at_once(tmp_path / "other", tmp_path / "new")
    assert_same(features_of(open_files(data, home)), expected)


def test_rows_of_the_user_leave_quarantine_too(tmp_path: Path) -> None:
    kept = tmp_path / "home" / "quarantine"
    kept.mkdir(parents=True)
    users = "(VALUES ('A', 'u2', 1), ('B', ' u2 ', 2), ('B', 'u1', 3), (NULL, NULL, 4))"
    duckdb.execute(
        f"COPY (SELECT * FROM {users} AS t(account_id, user_id, n)) TO '{kept}/surveys.parquet'"
    )
    duckdb.execute(f"COPY (SELECT 'u2' AS account_id) TO '{kept}/tickets.parquet'")
    assert erase(tmp_path / "home", "A") == Erased(0, 0, 1)
    assert erase(tmp_path / "home") == Erased(0, 0, 1)
    left = duckdb.execute(f"SELECT n FROM '{kept}/surveys.parquet' ORDER BY n").fetchall()
    assert left == [(3,), (4,)]
    assert (kept / "surveys.parquet").stat().st_mode & 0o077 == 0
    assert sorted(file.name for file in kept.iterdir()) == ["surveys.parquet", "tickets.parquet"]


def test_rows_that_break_a_rule_are_kept_without_an_erased_user(tmp_path: Path) -> None:
    rows = [row for day in days(28) for row in usage_of_day(day)]
    rows[0] = {**rows[0], "user_id": "u2", "count": -1}
    rows[1] = {**rows[1], "user_id": "u1", "count": -1}
    write_usage(tmp_path / "data" / "0.parquet", rows)
    erase(tmp_path / "home")
    checks = {"invalid_value": "quarantine"}
    source = open_files(tmp_path / "data", tmp_path / "home", checks=checks)
    query = "SELECT user_id FROM quarantine_of_usage"
    assert source.connection.execute(query).fetchall() == [("u1",)]


@pytest.mark.parametrize("at", ["write_ledger", "read_part"])
def test_an_erasure_that_fails_changes_nothing_and_can_be_run_again(
    at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path / "data")
    home = tmp_path / "home"
    before = features_of(open_files(tmp_path / "data", home))
    folders = sorted((home / "rollup").iterdir())
    with monkeypatch.context() as patched:
        patched.setattr(f"features.erasure.{at}", raising(OSError(28, "No space left on device")))
        with pytest.raises(KeepwellError, match=r"No space left on device; make room and run"):
            erase(home)
    assert sorted((home / "rollup").iterdir()) == folders
    assert_same(features_of(open_files(tmp_path / "data", home)), before)
    assert erase(home).days > 0


def test_an_id_that_is_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--user: must be an id"):
        erase_user(tmp_path, " ", quarantine=tmp_path)


def test_the_command_says_how_much_and_keeps_no_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    write_files(data)
    monkeypatch.setenv("KEEPWELL_HOME", str(home))
    queries = {"accounts": "SELECT 'A' AS account_id", "usage": f"SELECT * FROM '{data}/*.parquet'"}
    config = {"config_version": 1, "company": "acme", "currency": "USD", "tables": queries}
    churn = {"by": ["inactivity"], "inactivity": {"silent_days": 28}, "horizon_days": 28}
    config |= {"labels": {"churn": churn}}
    file = tmp_path / "acme.yaml"
    file.write_text(yaml.safe_dump(config))
    open_files(data, home)
    (home / "rollups").mkdir()
    (home / "rollup").rename(home / "rollups" / "acme")
    command = ["keepwell", "erase", "--config", str(file), "--user", "u2"]
    monkeypatch.setattr(sys, "argv", [*command, "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["accounts"] == 3
    assert found["days"] > 0
    assert "u2" not in said.out + said.err
    assert '"u2"' not in (home / "rollups" / "acme" / "ledger.json").read_text()
    ledger = read_ledger(home / "rollups" / "acme")
    assert ledger is not None
    assert len(ledger.erased) == 1
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit):
        main()
    again = capsys.readouterr().out
    assert "nothing is kept of such a user" in again
    assert "erase the user in your own tables too" in again
