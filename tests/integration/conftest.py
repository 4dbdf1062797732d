"""What the integration tests share: a PostgreSQL server, stores on both databases, a company."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from models.service_store import ServiceStore
from models.store import SnapshotStore
from pipelines.cli import main
from pipelines.demo.company import generate_company
from tests.integration.postgres import OWNER, running_postgres

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"
Call = Callable[[dict[str, Any]], tuple[int, str, str]]  # Any: YAML
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server that this session started."""
    with running_postgres() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The URL of an empty database of the test's own."""
    name = f"test_{next(_numbers)}"
    server = postgres_server.replace("+psycopg", "")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER {OWNER}".encode())
    return f"{postgres_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, on each database in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path')}/stores/store.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[SnapshotStore]:
    """An empty store, on each database in turn."""
    with SnapshotStore(store_url, lock_wait_s=20) as opened:
        yield opened


@pytest.fixture
def service(store_url: str) -> Iterator[ServiceStore]:
    """An empty service store, on each database in turn."""
    with ServiceStore(store_url, lock_wait_s=20) as opened:
        yield opened


@pytest.fixture(scope="session")
def demo_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small demo company."""
    folder = tmp_path_factory.mktemp("company") / "demo"
    generate_company(folder, accounts=400, events=80_000)
    return folder


@pytest.fixture
def config(demo_company: Path) -> dict[str, Any]:
    """The demo company's configuration, to be spoilt."""
    loaded: dict[str, Any] = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    loaded["data"] = str(demo_company)
    return loaded


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KEEPWELL_HOME", str(folder))
    monkeypatch.setenv("PREFECT_HOME", str(folder / "prefect"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return folder


@pytest.fixture
def call(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a command with ``--json`` on a configuration: exit code, stdout and stderr."""
    del home

    def call(command: str, config: dict[str, Any], *options: str) -> tuple[int, str, str]:
        path = tmp_path / "company.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        arguments = [command, "--config", str(path), *options, "--json"]
        monkeypatch.setattr(sys, "argv", ["keepwell", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def run(call: Callable[..., tuple[int, str, str]]) -> Call:
    """Run ``keepwell run --json`` on a configuration: exit code, stdout and stderr."""
    return lambda config: call("run", config)


@pytest.fixture
def check(call: Callable[..., tuple[int, str, str]]) -> Call:
    """Run ``keepwell check --json`` on a configuration: exit code, stdout and stderr."""
    return lambda config: call("check", config)


def wrap(config: dict[str, Any], table: str, select: str) -> None:
    """Put a query around a table's query; ``{}`` stands for the inner one."""
    config["tables"][table] = select.format(f"({config['tables'][table]})")
