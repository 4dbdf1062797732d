"""The service's log: one JSON document a line on stderr, with ids and counts, no names."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from serving.visit import Visit

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
WRITE_EVERY_S = 0.1
NULL = "null"
QUOTED = '"%s"'


class JsonLine(logging.Formatter):
    """A log record as one line of JSON; an exception gives its type, never its text."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line)


def log_config() -> dict[str, Any]:
    """Configuration of `logging` for the serving process; there is no access log."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLine}},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {"uvicorn.access": {"handlers": [], "propagate": False}},
    }


class RequestLog:
    """One line a request: which, by whom, how it ended and how long it took; no path, no query.

    Lines are gathered and written a few times a second: one by one they would cost more than what
    they tell of.

    Parameters
    ----------
    write : callable
        Takes whole lines as bytes; by default stderr.
    """

    def __init__(self, write: Callable[[bytes], object] | None = None) -> None:
        self._write = write or _write_to_stderr
        self._lines: list[str] = []

    def record(self, visit: Visit, method: str, seconds: float) -> None:
        """Tell of one answered request."""
        key = visit.caller.key_id
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        # By hand, which is ten times as fast as a dictionary's way through `json`; what is not a
        # number is of our own making or was checked: the id by the gate, the method by the parser.
        self._lines.append(
            f'{{"time": "{moment}", "level": "info", "logger": "request", "message": "answered", '
            f'"request_id": "{visit.request_id}", '
            f'"method": "{method if method in METHODS else "other"}", '
            f'"route": "{visit.route}", "status": {visit.status}, "bytes": {visit.size}, '
            f'"ms": {seconds * 1000:.3f}, "key": {NULL if key is None else QUOTED % key}}}\n'
        )
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(WRITE_EVERY_S, self.flush)

    def flush(self) -> None:
        """Write what was gathered."""
        lines, self._lines = self._lines, []
        if lines:
            self._write("".join(lines).encode("ascii", "backslashreplace"))


def _write_to_stderr(lines: bytes) -> None:
    sys.stderr.buffer.write(lines)
    sys.stderr.buffer.flush()
