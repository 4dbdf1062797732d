"""Another company's ranking is not replaced unasked, by no command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import InputError
from models.store import SnapshotStore
from pipelines.cli import main
from pipelines.config import read_config
from pipelines.demonstration import CONFIG
from pipelines.home import Home
from pipelines.served import MADE_UP, check_served
from tests.flat_company import make_accounts
from tests.integration.company import due, snapshot

Keepwell = Callable[..., tuple[int, str]]


@pytest.fixture
def keepwell(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Keepwell:
    """Run a command: exit code and stderr."""
    del home

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["keepwell", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), capsys.readouterr().err

    return run


def serve(home: Path, company: str) -> str:
    with SnapshotStore(Home(home).store_url) as store:
        return store.publish(snapshot(due("A1", 0.5), company=company))


def served(home: Path) -> str | None:
    with SnapshotStore(Home(home).store_url) as store:
        return store.served_company()


def test_an_empty_home_and_the_company_itself_are_no_hindrance(home: Path) -> None:
    check_served(Home(home), "acme")
    assert not home.exists()
    serve(home, "acme")
    check_served(Home(home), "acme")


def test_another_company_is_refused_with_the_ways_out(home: Path) -> None:
    serve(home, "acme")
    with pytest.raises(InputError) as refused:
        check_served(Home(home), "other")
    said = str(refused.value)
    assert f"{home} serves the company acme, whose ranking other would replace" in said
    for remedy in ("set KEEPWELL_HOME", "--replace", "--company"):
        assert remedy in said
    check_served(Home(home), "other", replace=True)


def test_a_store_of_its_own_is_what_has_to_be_another_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPWELL_STORE", f"sqlite:///{tmp_path / 'shared.db'}")
    serve(home, "acme")
    with pytest.raises(InputError, match="set KEEPWELL_STORE"):
        check_served(Home(home), "other")


def test_the_made_up_company_gives_way_and_takes_nobodys_place(home: Path) -> None:
    assert read_config(CONFIG).company == MADE_UP
    serve(home, MADE_UP)
    check_served(Home(home), "acme")
    serve(home, "acme")
    with pytest.raises(InputError, match="serves the company acme"):
        check_served(Home(home), MADE_UP)


@pytest.mark.parametrize("command", ["run", "score", "train", "demo"])
def test_no_command_begins_its_work_where_another_company_is_served(
    command: str, keepwell: Keepwell, home: Path, tmp_path: Path
) -> None:
    before = serve(home, "acme")
    table = tmp_path / "customers.csv"
    make_accounts().to_csv(table, index=False)
    config = tmp_path / "other.yaml"
    config.write_text(
        "config_version: 1\ncompany: other\ncurrency: USD\n"
        "tables: {accounts: SELECT 1, contracts: SELECT 1}\n"
    )
    arguments = {
        "run": ["--config", str(config)],
        "score": ["--config", str(config)],
        "train": ["--table", str(table), "--label", "churned", "--company", "other"],
        "demo": [],
    }[command]
    code, err = keepwell(command, *arguments)
    assert code == 2
    assert "serves the company acme" in err
    assert not (home / "bundles").exists()
    assert served(home) == "acme"
    with SnapshotStore(Home(home).store_url) as store:
        header = store.current()
    assert header is not None
    assert header.snapshot_id == before


def test_who_asks_for_it_takes_the_place(keepwell: Keepwell, home: Path, tmp_path: Path) -> None:
    serve(home, "acme")
    table = tmp_path / "customers.csv"
    make_accounts().to_csv(table, index=False)
    code, err = keepwell("train", "--table", str(table), "--label", "churned", "--replace")
    assert code == 0, err
    assert served(home) == "customers"
