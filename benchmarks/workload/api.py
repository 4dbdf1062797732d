"""The service over a made-up snapshot, with keys, limits, metrics and request log on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from models.account_score import AccountScore, Driver
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.snapshot import Snapshot
from models.store import SnapshotStore

RATE = "1000000000/minute"  # counted like any other, never reached
DRIVERS = (
    Driver("logins_trend_91d", "usage", "Logins fell by 62 % against the 13 weeks before", -0.62,
           "share", 0.81, previous=0.04, peer_low=-0.15, peer_high=0.12, points=0.182),
    Driver("seat_utilisation", "adoption", "31 % of the seats are in use", 0.31, "share", 0.44,
           previous=0.58, peer_low=0.5, peer_high=0.83, points=0.099),
    Driver("plan", "contract", "On the plan “Starter”", "Starter", None, 0.2, previous="Starter",
           points=0.045),
)  # fmt: skip


@dataclass(frozen=True)
class Running:
    """A server process."""

    process_id: int
    port: int
    token: str

    def get(self, path: str) -> bytes:
        """A request as a CRM's client sends it."""
        return (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: application/json\r\n"
            f"User-Agent: crm\r\nAuthorization: Bearer {self.token}\r\n\r\n"
        ).encode()

    def post(self, path: str, body: bytes) -> bytes:
        """The same with a JSON body."""
        head = self.get(path).replace(b"GET ", b"POST ", 1)[:-2]
        sent = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head + sent.encode() + body


def account_id(number: int) -> str:
    """The id of one of the accounts."""
    return f"ACC-{number:07d}"


def make_snapshot(accounts: int) -> Snapshot:
    """A snapshot in which every account has three drivers."""
    scores = tuple(_score(number, accounts) for number in range(accounts))
    return Snapshot(
        as_of=date(2026, 11, 1),
        data_end=date(2026, 11, 1),
        company="bench",
        currency="USD",
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        models={
            "churn": {"version": "7", "horizon_days": 90, "lead_days": 0},
            "renewal": {"version": "5", "max_lead_days": 180},
        },
        thresholds={"high": 0.5, "medium": 0.2},
        scores=scores,
        config_hash="",
    )


@contextmanager
def running_service(accounts: int, *, home: Path | None = None) -> Iterator[Running]:
    """The service over a snapshot of so many accounts, ready to answer; with a home's models."""
    with TemporaryDirectory() as folder:
        store_url, service_url = (f"sqlite:///{folder}/{name}.db" for name in ("store", "service"))
        with SnapshotStore(store_url) as store:
            store.publish(make_snapshot(accounts))
        with ServiceStore(service_url) as service:
            scopes = ("scores:read", "scores:compute", "people:read")
            token = KeyStore(service).create("bench", scopes, now=datetime.now(UTC)).token
        environment = {
            **os.environ,
            "KEEPWELL_STORE": store_url,
            "KEEPWELL_SERVICE_STORE": service_url,
            **({} if home is None else {"KEEPWELL_HOME": str(home)}),
        }
        module = ["serving", "--rate", RATE]
        with _running(module, environment, Path(folder), token) as running:
            yield running


@contextmanager
def running_without_keys(store_url: str) -> Iterator[Running]:
    """The service over a store for this machine alone, ready to answer."""
    environment = {**os.environ, "KEEPWELL_STORE": store_url}
    environment.pop("KEEPWELL_SERVICE_STORE", None)
    with (
        TemporaryDirectory() as folder,
        _running(["serving"], environment, Path(folder), "") as running,
    ):
        yield running


@contextmanager
def running_hello() -> Iterator[Running]:
    """The bare application, ready to answer; it is sent the same headers."""
    with (
        TemporaryDirectory() as folder,
        _running(
            ["benchmarks.workload.hello"], dict(os.environ), Path(folder), "kw_" + "0" * 52
        ) as running,
    ):
        yield running


@contextmanager
def _running(
    module: list[str], environment: dict[str, str], folder: Path, token: str
) -> Iterator[Running]:
    port = free_port()
    place = [str(port)] if module == ["benchmarks.workload.hello"] else ["--port", str(port)]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", *module, *place], env=environment, stderr=log
        ) as process,
    ):
        try:
            _wait_for(port, process)
            yield Running(process.pid, port, token)
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers a probe with anything but 5xx."""
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                if not connection.recv(4096).startswith(b"HTTP/1.1 5"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError("the server ended before it answered")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _score(number: int, accounts: int) -> AccountScore:
    loss = (number + 0.5) / accounts
    return AccountScore(
        account_id=account_id(number),
        external_id=f"0015g{number:010d}AAA",
        name=f"Company {number}",
        state="to_decide",
        segment=("smb", "mid-market", "enterprise")[number % 3],
        account_tier="gold",
        region=("emea", "amer", "apac")[number % 3],
        owner=f"csm-{number % 40}",
        parent_id=f"P{number // 4}",
        currency="USD",
        arr=12_000.0,
        arr_to_decide=12_000.0,
        arr_at_risk=12_000.0 * loss,
        basis="renewal",
        contract_id=f"C-{number}",
        decision_date=date(2026, 12, 1),
        renewal_date=date(2027, 3, 1),
        churn_probability=loss / 2,
        renewal_likelihood=1 - loss,
        loss_probability=loss,
        risk_tier="high" if loss >= 0.5 else "medium" if loss >= 0.2 else "low",
        drivers=DRIVERS,
        contributions={"usage": 0.9, "adoption": 0.44, "contract": 0.2},
        base_log_odds=-1.4,
    )
