"""``keepwell export``: a table for people, and one that a CRM takes over."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from models.settings import RetentionSettings
from models.store import SnapshotStore
from pipelines.cli import main
from pipelines.export import describe_driver
from tests.integration.company import DRIVERS, HEALTH, WARNED, due, lost, snapshot

Export = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(store: SnapshotStore, store_url: str, monkeypatch: pytest.MonkeyPatch) -> SnapshotStore:
    """A store that the command reads, on each database in turn."""
    monkeypatch.setenv("KEEPWELL_STORE", store_url)
    return store


@pytest.fixture
def export(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Export:
    """Run the command: exit code, stdout and stderr."""
    del home

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["keepwell", "export", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode(), err.decode()

    return run


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("audience", ["people", "crm"])
def test_both_exports_tell_the_health_score_and_leave_what_is_not_known_empty(
    served: SnapshotStore, export: Export, tmp_path: Path, audience: str
) -> None:
    served.publish(snapshot(due("A1", 0.9, health=HEALTH), due("A2", 0.1)))
    file = tmp_path / "accounts.csv"
    assert export(str(file), "--for", audience)[0] == 0
    rows = read_csv(file.read_bytes().decode("utf-8-sig"))
    assert [row["health_score"] for row in rows] == ["56.0", ""]


@pytest.mark.parametrize("audience", ["people", "crm"])
def test_both_exports_tell_the_warnings_that_stand_and_leave_none_in_place_of_those_that_closed(
    served: SnapshotStore, export: Export, tmp_path: Path, audience: str
) -> None:
    served.publish(snapshot(due("A1", 0.9, alerts=WARNED), due("A2", 0.1, alerts=WARNED[2:])))
    file = tmp_path / "accounts.csv"
    assert export(str(file), "--for", audience)[0] == 0
    rows = read_csv(file.read_bytes().decode("utf-8-sig"))
    assert [row["warnings"] for row in rows] == ["poor_fit;module_use_halved", ""]


def test_people_get_csv_with_a_byte_order_mark_in_ranking_order_with_drivers_in_words(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    served.publish(snapshot(lost("A3"), due("A1", 0.2), due("A2", 0.9, arr=-5.5)))
    file = tmp_path / "accounts.csv"
    code, out, _ = export(str(file), "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["accounts"], found["for"], found["file"]) == (3, "people", str(file))
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = read_csv(content.decode("utf-8-sig"))
    assert [(row["rank"], row["account_id"]) for row in rows] == [
        ("1", "A1"), ("2", "A2"), ("3", "A3")
    ]  # fmt: skip
    assert rows[0]["driver_1"] == "Logins fell by 62 % (raises the risk by 47.6 points)"
    assert rows[0]["driver_3"] == "Product fit is not known (lowers the risk)"
    assert rows[0]["driver_4"] == rows[2]["loss_probability"] == ""
    assert rows[0]["decision_date"] == "2026-11-15"
    assert float(rows[1]["arr"]) == -5.5
    assert b",-5.5," in content
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["accounts.csv"]


def test_names_that_would_run_in_a_spreadsheet_do_not_and_ids_for_a_crm_stay_untouched(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    safe = {
        "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@a": "'@a", "\uff1d1": "'\uff1d1",
        "\t=1": "'\t'=1", "\r=1": "'\r'=1", "\n=1": "'\n'=1", "Acme;=1": "Acme;'=1",
    }  # fmt: skip
    names = list(safe)
    served.publish(
        snapshot(*(due(name, 0.5, name=name, external_id=name, contract_id=name) for name in names))
    )
    for ending in ("csv", "parquet"):
        assert export(str(tmp_path / f"people.{ending}"))[0] == 0
        assert export(str(tmp_path / f"crm.{ending}"), "--for", "crm")[0] == 0
    people = read_csv((tmp_path / "people.csv").read_bytes().decode("utf-8-sig"))
    for rows in (people, pq.read_table(tmp_path / "people.parquet").to_pylist()):
        for column in ("account_id", "external_id", "name", "contract_id"):
            assert {row[column] for row in rows} == set(safe.values())
    crm = (tmp_path / "crm.csv").read_bytes()
    assert not crm.startswith(b"\xef\xbb\xbf")
    for rows in (read_csv(crm.decode()), pq.read_table(tmp_path / "crm.parquet").to_pylist()):
        for column in ("account_id", "external_id", "contract_id"):
            assert {row[column] for row in rows} == set(names)


def test_parquet_holds_numbers_and_dates_as_such(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    snapshot_id = served.publish(snapshot(due("A1", 0.25), lost("A2", None)))
    assert export(str(tmp_path / "a.parquet"))[0] == 0
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.schema.metadata[b"keepwell.snapshot_id"].decode() == snapshot_id
    first, second = table.to_pylist()
    assert (first["loss_probability"], first["rank"]) == (0.25, 1)
    assert first["decision_date"] == date(2026, 11, 15)
    assert (second["arr"], second["loss_probability"], second["driver_1"]) == (None, None, None)


def test_both_kinds_of_file_have_the_same_columns_and_every_account(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    served.publish(snapshot(*(due(f"A{n:04}", n / 3000) for n in range(2300))))
    for audience in ("people", "crm"):
        assert export(str(tmp_path / "a.csv"), "--for", audience, "--overwrite")[0] == 0
        assert export(str(tmp_path / "a.parquet"), "--for", audience, "--overwrite")[0] == 0
        rows = read_csv((tmp_path / "a.csv").read_bytes().decode("utf-8-sig"))
        table = pq.read_table(tmp_path / "a.parquet")
        assert table.column_names == list(rows[0])
        assert len({row["account_id"] for row in rows}) == table.num_rows == 2300


def test_a_crm_gets_only_what_changed_and_what_is_gone_with_empty_scores(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    first = served.publish(
        snapshot(
            due("same", 0.5), due("moved", 0.2), due("gone", 0.9), due("renamed", 0.5),
            due("outside", 0.9, external_id=None),
        )
    )  # fmt: skip
    second = served.publish(
        snapshot(
            due("same", 0.505), due("moved", 0.6), due("new", 0.4),
            due("renamed", 0.5, external_id="X"), due("outside", 0.1, external_id=None),
        )
    )  # fmt: skip
    code, out, _ = export(
        str(tmp_path / "c.csv"), "--for", "crm", "--changed-since", first, "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert (found["accounts"], found["gone"], found["without_external_id"]) == (3, 2, 1)
    rows = {row["external_id"]: row for row in read_csv((tmp_path / "c.csv").read_text())}
    assert set(rows) == {"001moved", "001new", "X", "001gone", "001renamed"}
    assert rows["001moved"]["loss_probability"] == "0.6"
    assert rows["001moved"]["driver_1"] == "Logins fell by 62 %"
    assert {row["snapshot_id"] for row in rows.values()} == {second}
    for name in ("001gone", "001renamed"):
        kept = {column for column, value in rows[name].items() if value}
        assert kept == {"external_id", "account_id", "snapshot_id", "as_of"}
    code, out, _ = export("-", "--for", "crm", "--changed-since", first, "--points", "50")
    assert {row["account_id"] for row in read_csv(out)} == {"moved", "new", "renamed", "gone"}
    code, out, _ = export("-", "--for", "crm", "--changed-since", second)
    assert (code, read_csv(out)) == (0, [])
    file = tmp_path / "nothing.parquet"
    assert export(str(file), "--for", "crm", "--changed-since", second)[0] == 0
    assert pq.read_table(file).num_rows == 0


def test_minus_writes_csv_to_stdout_and_what_is_said_to_stderr(
    served: SnapshotStore, export: Export
) -> None:
    snapshot_id = served.publish(snapshot(due("A1", 0.5)))
    code, out, err = export("-")
    assert code == 0
    assert out.startswith("\ufeff")
    assert len(read_csv(out)) == 1
    assert err == f"-: 1 account of demo as of 2026-11-01 (snapshot {snapshot_id})\n"


def test_a_ranking_whose_day_nobody_knows_is_exported_without_one(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    snapshot_id = served.publish(snapshot(due("A1", 0.5), as_of=None, data_end=None))
    code, out, err = export("-", "--for", "crm")
    assert (code, read_csv(out)[0]["as_of"]) == (0, "")
    assert err == f"-: 1 account of demo (snapshot {snapshot_id})\n"
    code, out, _ = export(str(tmp_path / "a.parquet"), "--for", "crm", "--json")
    assert json.loads(out)["as_of"] is None


def test_an_existing_file_stays_unless_it_is_to_be_replaced(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    served.publish(snapshot(due("A1", 0.5)))
    file = tmp_path / "a.csv"
    file.write_text("mine", encoding="utf-8")
    code, _, err = export(str(file))
    assert (code, file.read_text(encoding="utf-8")) == (2, "mine")
    assert "exists; name another file, or give --overwrite" in err
    assert export(str(file), "--overwrite")[0] == 0
    assert "A1" in file.read_text(encoding="utf-8-sig")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_that_fails_half_way_leaves_the_old_file_and_nothing_else(
    served: SnapshotStore,
    export: Export,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    served.publish(snapshot(*(due(f"A{n}", 0.5) for n in range(20))))
    file = tmp_path / "out" / f"a.{ending}"
    file.parent.mkdir()
    file.write_text("old", encoding="utf-8")
    read = SnapshotStore.ranking

    def prune_after_a_page(store: SnapshotStore, name: str, **options: Any) -> Any:  # Any: as there
        page = read(store, name, **options)
        for _ in range(3):
            served.publish(snapshot(due("B", 0.5)), retention=RetentionSettings(snapshots=1))
        return page

    monkeypatch.setattr("pipelines.export.PAGE", 5)
    monkeypatch.setattr(SnapshotStore, "ranking", prune_after_a_page)
    code, _, err = export(str(file), "--overwrite")
    assert code == 2
    assert "was removed while it was read; export again" in err
    assert file.read_text(encoding="utf-8") == "old"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.txt"], "must end in .csv or .parquet"),
        (["."], "must end in .csv"),
        (["folder.csv"], "is a folder; name a file in it"),
        (["nowhere/a.csv"], "lies in a folder that does not exist"),
        (["a.csv", "--changed-since", "0123456789abc"], "--changed-since belongs to --for crm"),
        (["-", "--json"], "cannot both go to stdout"),
        (["a.csv", "--for", "crm", "--changed-since", "nothing"], "no snapshot nothing (any more)"),
    ],
)
def test_what_cannot_be_exported_is_said_and_no_file_is_made(
    export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    monkeypatch.setenv("KEEPWELL_STORE", f"sqlite:///{tmp_path}/store/s.db")
    with SnapshotStore(f"sqlite:///{tmp_path}/store/s.db") as store:
        store.publish(snapshot(due("A1", 0.5)))
    code, _, err = export(*arguments)
    assert code == 2
    assert said in err
    assert {path.name for path in tmp_path.iterdir()} <= {"folder.csv", "store", "home"}


def test_an_earlier_snapshot_of_another_company_and_an_empty_store_are_refused(
    served: SnapshotStore, export: Export
) -> None:
    code, _, err = export("-")
    assert (code, "run keepwell score first" in err) == (2, True)
    other = served.publish(snapshot(due("A1", 0.5), company="other"))
    served.publish(snapshot(due("A1", 0.5)))
    code, _, err = export("-", "--for", "crm", "--changed-since", other)
    assert (code, f"snapshot {other} is of other, not of demo" in err) == (2, True)


def test_a_configuration_of_another_company_is_refused(
    served: SnapshotStore, export: Export, tmp_path: Path
) -> None:
    served.publish(snapshot(due("A1", 0.5), company="other"))
    code, _, err = export("-", "--config", str(ROOT / "configs" / "demo.yaml"))
    assert code == 2
    assert "is of other, not of demo" in err
    served.publish(snapshot(due("A1", 0.5)))
    file = tmp_path / "a.csv"
    assert export(str(file), "--config", str(ROOT / "configs" / "demo.yaml"))[0] == 0


def test_csv_needs_none_of_what_only_training_needs(tmp_path: Path) -> None:
    with SnapshotStore(f"sqlite:///{tmp_path}/store.db") as store:
        store.publish(snapshot(due("A1", 0.5)))
    code = (
        "import sys\n"
        "for name in ('pyarrow', 'numpy', 'pandas', 'duckdb', 'yaml', 'lightgbm', 'prefect'):\n"
        "    sys.modules[name] = None\n"
        "from pipelines.cli import main\n"
        "main()\n"
    )

    def run(file: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, "export", file],
            cwd=tmp_path,
            env={"KEEPWELL_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("a.csv").returncode == 0
    refused = run("a.parquet")
    assert refused.returncode == 2
    assert "install keepwell[train], or write a .csv" in refused.stderr


def test_a_driver_of_an_older_snapshot_has_no_points() -> None:
    assert describe_driver(DRIVERS[1]) == "On the plan “Début” (raises the risk)"
