"""A process that scores rows with one model.

The service starts it: ``python -m models.compute_worker FOLDER COMPANY MODEL``. It proves the
bundle, says that it is ready, and then answers one request after another over its socket until they
end. Whatever a bundle does to it, the service lives on.
"""

from __future__ import annotations

import gc
import gzip
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import orjson

from features.errors import InputError
from models.frame import (
    ANSWER,
    ANSWER_GZIP,
    FAILED,
    FAULTS,
    READY,
    REFUSED,
    ROWS_GZIP,
    pack_frame,
    read_frame,
)
from models.proof import prove

NICE = 10  # lookups go first where the machine is busy; a worker still gets a tenth of a core then
LOAD_S = 120  # after which the kernel ends a worker that is still loading, whoever waits for it
UNUSED = (
    "pandas",
    "sklearn",
    "pyarrow",
    "joblib",
    "matplotlib",
    "mlflow",
    "prefect",
    "shap",
    "duckdb",
)
MEMORY = 4 * 1024**3  # bytes of address space; a forged model asks for more than there is
GZIP_FROM = 8192  # bytes; less is sent in few packets anyway
GZIP_LEVEL = 1
ALLOCATIONS = 200_000  # more than a request makes, which leaves nothing behind
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer until the requests end; 0 then, 2 when the bundle is refused."""
    folder, company, model = sys.argv[1:] if arguments is None else arguments
    requests, answers = _take_ends()
    _give_way()
    _limit()
    try:
        proof = prove(Path(folder), company=company, model=model)
        refuse_imports()
        from models.feature_row import RowFaultError
        from models.live_model import load_live_model

        live = load_live_model(proof)
    except InputError as fault:
        _send(answers, REFUSED, str(fault).encode())
        return BAD_INPUT
    except Exception as fault:  # noqa: BLE001  the edge of the process; it says its type alone
        _send(answers, REFUSED, f"it cannot be loaded: {type(fault).__name__}".encode())
        return BAD_INPUT
    signal.alarm(0)
    gc.freeze()  # what stays need not be looked through with every request
    gc.set_threshold(ALLOCATIONS)
    _send(answers, READY, orjson.dumps({"version": live.card.version}))
    while (frame := read_frame(requests)) is not None:
        kind, body = frame
        try:
            answer = live.answer(body)
            if kind == ROWS_GZIP and len(answer) >= GZIP_FROM:
                _send(answers, ANSWER_GZIP, gzip.compress(answer, GZIP_LEVEL, mtime=0))
            else:
                _send(answers, ANSWER, answer)
        except RowFaultError as fault:
            _send(answers, FAULTS, orjson.dumps(fault.faults))
        except ArithmeticError:
            _send(answers, FAILED, b"{}")
    return 0


def _take_ends() -> tuple[BinaryIO, BinaryIO]:
    """Both ways for messages alone: what a library prints goes nowhere."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    return requests, answers


def refuse_imports() -> None:
    """Keep out what LightGBM imports where it is installed: here it has no use for it."""
    sys.modules.update(dict.fromkeys(UNUSED))  # type: ignore[arg-type]  # None: not to be imported


def _give_way() -> None:
    """Let the service go first: the worker takes no core away from it when a request comes in.

    Not `SCHED_IDLE`: beside a training run nothing would be left for rows.
    """
    os.nice(NICE)
    with suppress(AttributeError, OSError):  # Linux
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _limit() -> None:
    """Bound what loading may take; Ctrl+C is the service's to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.alarm(LOAD_S)
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    with suppress(OSError, ValueError):  # not every system keeps such a limit
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))


def _send(pipe: BinaryIO, kind: bytes, content: bytes) -> None:
    pipe.write(pack_frame(kind, content))
    pipe.flush()


if __name__ == "__main__":
    sys.exit(main())
