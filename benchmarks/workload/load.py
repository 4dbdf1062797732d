"""Requests from this process to a server in another one, a bounded number of them at once."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """What a number of requests took.

    Parameters
    ----------
    per_second : float
        Requests answered.
    cpu_s : float
        CPU seconds of the server per request.
    latencies : tuple of float
        Seconds of each request, sorted.
    """

    per_second: float
    cpu_s: float
    latencies: tuple[float, ...]

    def percentile(self, share: float) -> float:
        """Seconds within which a share of the requests was answered."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def load_server(process_id: int, port: int, requests: Sequence[bytes], *, connections: int) -> Run:
    """Send requests over some connections, each the next one when it has its answer.

    Parameters
    ----------
    process_id : int
        Of the server.
    port : int
        On 127.0.0.1.
    requests : sequence of bytes
        Whole HTTP/1.1 requests; every answer must be a 200.
    connections : int
        How many at once.
    """
    before, begun = cpu_seconds(process_id), time.perf_counter()
    latencies = asyncio.run(_send(port, requests, connections))
    took, used = time.perf_counter() - begun, cpu_seconds(process_id) - before
    return Run(len(requests) / took, used / len(requests), tuple(sorted(latencies)))


def cpu_seconds(process_id: int) -> float:
    """CPU seconds that a process has used, user and system."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def _send(port: int, requests: Sequence[bytes], connections: int) -> list[float]:
    waiting = iter(requests)
    latencies: list[float] = []
    clients = [_Client(waiting, latencies) for _ in range(connections)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(partial(_same, client), "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    return latencies


def _same(client: _Client) -> _Client:
    return client


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, waiting: Iterator[bytes], latencies: list[float]) -> None:
        self._waiting, self._latencies = waiting, latencies
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left = 0
        self._head = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._next()

    def data_received(self, data: bytes) -> None:
        if not self._left:
            self._head += data
            head, end, body = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if not head.startswith(b"HTTP/1.1 200"):
                self.done.set_exception(RuntimeError(self._head.decode("latin-1")))
                return
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            self._left, self._head, data = int(length), b"", body
        self._left -= len(data)
        if not self._left:
            self._latencies.append(time.perf_counter() - self._begun)
            self._next()

    def _next(self) -> None:
        request = next(self._waiting, None)
        if request is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._begun = time.perf_counter()
        self._transport.write(request)
