"""A compute worker, spoken to over its pipes as the service does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from models.compute_worker import NICE
from models.frame import (
    ANSWER,
    FAULTS,
    HEAD,
    LONGEST,
    READY,
    REFUSED,
    ROWS,
    pack_frame,
    read_frame,
)
from serving.compute_process import make_environment
from tests.integration.live_service import COMPANY, write
from tests.integration.live_service import ROWS as REQUEST

ROOT = Path(__file__).parents[2]


@contextmanager
def worker(folder: Path, *, company: str = COMPANY) -> Iterator[subprocess.Popen[bytes]]:
    """A worker over a bundle."""
    command = [sys.executable, "-m", "models.compute_worker", str(folder), company, "churn"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=make_environment()
    ) as process:
        yield process


def hear(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    assert process.stdout is not None
    frame = read_frame(process.stdout)
    assert frame is not None
    return frame


def say(process: subprocess.Popen[bytes], content: bytes) -> tuple[bytes, bytes]:
    assert process.stdin is not None
    process.stdin.write(pack_frame(ROWS, content))
    process.stdin.flush()
    return hear(process)


def test_it_answers_one_request_after_another_and_ends_with_them(tmp_path: Path) -> None:
    with worker(write(tmp_path, "7")) as process:
        assert hear(process) == (READY, b'{"version":"7"}')
        kind, content = say(process, json.dumps(REQUEST).encode())
        assert (kind, len(json.loads(content)["results"])) == (ANSWER, 3)
        kind, content = say(process, b"{}")
        assert (kind, json.loads(content)) == (
            FAULTS,
            [[["rows"], "Expected a list of 1 to 100 rows"]],
        )
        assert say(process, json.dumps(REQUEST).encode())[0] == ANSWER
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0


def test_it_refuses_a_bundle_with_the_reason(tmp_path: Path) -> None:
    with worker(write(tmp_path, "7"), company="other") as process:
        kind, content = hear(process)
        assert kind == REFUSED
        assert content.startswith(b"bundle churn/7.card.json: it is the card of another model")
        assert process.wait(20) == 2


def test_a_request_that_breaks_off_ends_it(tmp_path: Path) -> None:
    with worker(write(tmp_path, "7")) as process:
        assert hear(process)[0] == READY
        assert process.stdin is not None
        process.stdin.write(HEAD.pack(99, b"Q") + b"{")
        process.stdin.close()
        assert process.wait(20) == 0


def test_it_gives_way_to_the_service(tmp_path: Path) -> None:
    with worker(write(tmp_path, "7")) as process:
        assert hear(process)[0] == READY
        assert os.getpriority(os.PRIO_PROCESS, process.pid) >= NICE
        assert os.sched_getscheduler(process.pid) == os.SCHED_BATCH


def test_it_imports_nothing_that_trains_tracks_or_schedules(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from models import compute_worker; from models.proof import prove; "
        "proof = prove(pathlib.Path(sys.argv[1]), company=sys.argv[2], model='churn'); "
        "compute_worker.refuse_imports(); from models.live_model import load_live_model; "
        "load_live_model(proof).answer(b'{\"rows\": [{}]}'); "
        "heavy = 'duckdb mlflow pandas prefect shap sklearn sqlalchemy serving pipelines'.split(); "
        "print([name for name in heavy if sys.modules.get(name)])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(write(tmp_path, "7")), COMPANY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout == "[]\n"


def test_it_is_told_none_of_the_services_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEPWELL_STORE", "postgresql+psycopg://user:secret@host/name")
    assert not [name for name in make_environment() if name.startswith("KEEPWELL_")]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0\0", HEAD.pack(LONGEST + 1, ROWS), HEAD.pack(4, ROWS) + b"123"],
)
def test_what_is_no_whole_frame_is_not_read(content: bytes) -> None:
    assert read_frame(BytesIO(content)) is None


def test_a_frame_comes_back_as_it_was_written() -> None:
    pipe = BytesIO(pack_frame(ROWS, b"{}") + pack_frame(ANSWER, b""))
    assert [read_frame(pipe) for _ in range(3)] == [(ROWS, b"{}"), (ANSWER, b""), None]
