"""Several worker processes that serve one port, each a whole service of its own.

They are started as commands, not by `multiprocessing`: that would hand them pickles.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from types import FrameType

from serving.metric import SHARED
from serving.settings import Settings

logger = logging.getLogger(__name__)

LOOK_S = 0.1
REST_S = 1.0  # before a worker that ended is replaced, so that a fault at its start costs little
BACKLOG = 2048


class Crew:
    """Starts workers, replaces those that end, and stops them all in order.

    Parameters
    ----------
    settings : Settings
        `workers`, and where to listen.
    arguments : sequence of str
        Of ``python -m serving``; each worker is given them, and the socket besides.
    """

    def __init__(self, settings: Settings, arguments: Sequence[str]) -> None:
        self._settings, self._arguments = settings, list(arguments)
        self._workers: list[subprocess.Popen[bytes]] = []
        self._stopping = False

    def run(self) -> int:
        """Serve until a signal comes; 0 when every worker stopped in order."""
        settings = self._settings
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        address = (settings.host, settings.port)
        with (
            socket.create_server(address, family=family, backlog=BACKLOG) as listener,
            TemporaryDirectory(prefix="keepwell-metrics-") as folder,
        ):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._stop)
            host, port = listener.getsockname()[:2]
            logger.info("%d workers on http://%s:%d", settings.workers, host, port)
            self._workers = [
                self._start(listener, folder, first=not place) for place in range(settings.workers)
            ]
            while not self._stopping:
                self._replace(listener, folder)
                time.sleep(LOOK_S)
            codes = [worker.wait() for worker in self._workers]
        return 0 if set(codes) <= {0, -signal.SIGTERM} else 1

    def _start(
        self, listener: socket.socket, folder: str, *, first: bool
    ) -> subprocess.Popen[bytes]:
        number = str(listener.fileno())
        only_first = ["--local-port", str(self._settings.local_port)]
        more = only_first if first and self._settings.local_port is not None else []
        return subprocess.Popen(
            [sys.executable, "-m", "serving", *self._arguments, *more, "--socket", number],
            pass_fds=[listener.fileno()],
            env={**os.environ, SHARED: folder},
            start_new_session=True,  # Ctrl+C reaches this process alone, which passes it on
        )

    def _replace(self, listener: socket.socket, folder: str) -> None:
        for place, worker in enumerate(self._workers):
            if worker.poll() is not None and not self._stopping:
                logger.error("a worker ended with %d and is replaced", worker.returncode)
                time.sleep(REST_S)
                self._workers[place] = self._start(listener, folder, first=not place)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  a handler's
        self._stopping = True
        for worker in self._workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGTERM)
