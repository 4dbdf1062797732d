"""Several workers on one port: counted together, replaced when one ends, stopped in order."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx
import pytest

from models.store import SnapshotStore
from tests.integration.company import due, snapshot
from tests.integration.postgres import free_port

COMMAND = [sys.executable, "-W", "error", "-m", "serving", "--port", "0", "--workers", "2"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    url = f"sqlite:///{tmp_path}/store.db"
    with SnapshotStore(url) as store:
        store.publish(snapshot(due("A1", 0.5)))
    # There is no Redis: each worker then counts for itself, which no key is there to notice.
    redis = f"redis://127.0.0.1:{free_port()}/0"
    return {**os.environ, "KEEPWELL_STORE": url, "KEEPWELL_REDIS": redis}


def told(process: subprocess.Popen[str]) -> Iterator[str]:
    """Messages of the log, as they come."""
    assert process.stderr is not None
    return (str(json.loads(line)["message"]) for line in process.stderr)


def test_workers_share_a_port_and_their_counts_and_one_that_ends_is_replaced(
    environment: dict[str, str],
) -> None:
    with subprocess.Popen(COMMAND, env=environment, stderr=subprocess.PIPE, text=True) as process:
        messages = told(process)
        base = next(found[0] for line in messages if (found := re.search(r"http://\S+", line)))
        numbers = (re.search(r"Started server process \[(\d+)\]", line) for line in messages)
        workers = [int(found[1]) for found in islice(filter(None, numbers), 2)]
        for _ in range(20):  # a connection each, which either worker may take
            assert httpx.get(f"{base}/v1/accounts/A1/risk", timeout=60).status_code == 200
        counted = httpx.get(f"{base}/metrics", timeout=60).text
        assert re.search(r"requests_total{.*accounts/{account_id}/risk.*} 20\.0", counted)
        os.kill(workers[0], signal.SIGKILL)
        next(line for line in messages if "is replaced" in line)
        next(line for line in messages if "Started server process" in line)
        assert httpx.get(f"{base}/v1/accounts/A1/risk", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        ended = [line for line in messages if "shutdown complete" in line]
    assert len(ended) == 2
    assert process.returncode == 0


def test_several_workers_without_redis_are_refused(environment: dict[str, str]) -> None:
    del environment["KEEPWELL_REDIS"]
    ended = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "KEEPWELL_REDIS" in ended.stderr
    assert ended.stderr.count("\n") == 1
