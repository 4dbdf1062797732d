"""One model in a process of its own, asked over a socket: see `models.compute_worker`.

A process started as a command, not by `multiprocessing`, which would hand it pickles. LightGBM, and
whatever a damaged bundle makes it do, stays outside of the service. A pair of sockets, not pipes:
whoever writes into a pipe waits while the other end reads from it, and the worker gives way to
everybody.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

from models.frame import HEAD, LONGEST, READY, REFUSED, ROWS, ROWS_GZIP, pack_frame

BUFFER = 1_048_576  # bytes on their way, each way, as far as the system allows them
STOP_S = 2.0
LONGEST_REASON = 500  # characters; it is our own text, with names of files
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
Frame = tuple[bytes, bytes]


class BundleRefusedError(Exception):
    """A worker did not say that its bundle is whole.

    Parameters
    ----------
    reason : str
        For the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WorkerGoneError(Exception):
    """The worker ended before it answered."""


class ComputeProcess:
    """A worker that has proved its bundle. Make it with `start`.

    Requests are answered one after another; whoever does not wait any longer is passed over.

    Parameters
    ----------
    process : asyncio.subprocess.Process
        That has said it is ready.
    answers, requests : asyncio.StreamReader, asyncio.StreamWriter
        Both ways of our end of its socket.
    version : str
        Of its model.
    """

    def __init__(
        self,
        process: Process,
        answers: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
        version: str,
    ) -> None:
        self.version = version
        self.ended = asyncio.Event()
        self._process = process
        self._answers, self._requests = answers, requests
        self._waiting: deque[asyncio.Future[Frame]] = deque()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def start(
        cls, folder: Path, *, company: str, model: str, within_s: float
    ) -> ComputeProcess:
        """A worker with the model of a bundle.

        Parameters
        ----------
        folder : Path
            Of the bundle.
        company, model : str
            Whose it has to be.
        within_s : float
            Seconds after which it counts as stuck.

        Raises
        ------
        BundleRefusedError
            The bundle is not whole, or the worker ended or got stuck over it.
        """
        process, answers, requests = await _spawn(folder, company, model)
        try:
            kind, content = await asyncio.wait_for(_read_frame(answers), within_s)
            if kind == READY:
                return cls(process, answers, requests, folder.name)
            reason = content[:LONGEST_REASON].decode(errors="replace")
            raise BundleRefusedError(reason if kind == REFUSED else "it said nothing that is known")
        except TimeoutError:
            await _end(process, requests)
            raise BundleRefusedError(f"it was not loaded within {within_s:g} s") from None
        except (asyncio.IncompleteReadError, OSError):
            await _end(process, requests)
            told = f"the process that loaded it ended with {process.returncode}"
            raise BundleRefusedError(told) from None
        except BaseException:
            await _end(process, requests)
            raise

    @property
    def waiting(self) -> int:
        """Requests sent and not answered."""
        return len(self._waiting)

    @property
    def process_id(self) -> int:
        """Of the worker."""
        return self._process.pid

    async def ask(self, body: bytes, *, within_s: float, takes_gzip: bool = False) -> Frame:
        """Kind and content of the answer to rows, as `models.compute_worker` gives it.

        Parameters
        ----------
        body : bytes
            As the caller sent it.
        takes_gzip : bool
            Whether the answer may come under gzip.
        within_s : float
            Seconds; a worker that does not end one request in that time is ended itself.

        Raises
        ------
        WorkerGoneError
            It ended, or was ended by another request, before it answered.
        TimeoutError
            The time is over.
        """
        if self.ended.is_set():
            raise WorkerGoneError
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        # Not drained: how many wait, and how long their bodies are, is bounded by the caller.
        self._requests.write(pack_frame(ROWS_GZIP if takes_gzip else ROWS, body))
        try:
            return await asyncio.wait_for(answer, within_s)
        except TimeoutError:
            if self._waiting and self._waiting[0] is answer:
                self._kill()
            raise

    async def finish(self) -> None:
        """End it once what was begun is answered."""
        self._requests.write_eof()  # it reads what was sent, answers, and meets the end
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), STOP_S + len(self._waiting))
        await self.stop()

    async def stop(self) -> None:
        """End it now."""
        self._kill()
        await self._reading

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Hand answers to those who wait, in their order, until the worker ends."""
        try:
            while True:
                frame = await _read_frame(self._answers)
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_result(frame)
        except (asyncio.IncompleteReadError, OSError, IndexError):
            pass
        finally:
            self.ended.set()
            self._kill()
            while self._waiting:
                answer = self._waiting.popleft()
                if not answer.done():
                    answer.set_exception(WorkerGoneError())
            await _end(self._process, self._requests)


async def _read_frame(answers: asyncio.StreamReader) -> Frame:
    length, kind = HEAD.unpack(await answers.readexactly(HEAD.size))
    if length > LONGEST:
        raise OSError("no frame of ours")
    return kind, await answers.readexactly(length)


async def _spawn(
    folder: Path, company: str, model: str
) -> tuple[Process, asyncio.StreamReader, asyncio.StreamWriter]:
    """A worker that has not said anything yet, with both ways of our end of its socket."""
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    with theirs:
        answers, requests = await asyncio.open_unix_connection(sock=ours, limit=BUFFER)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "models.compute_worker", str(folder), company, model,
                stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=DEVNULL,
                env=make_environment(),
                start_new_session=True,  # a signal to the service lets it answer what it has begun
            )  # fmt: skip
        except BaseException:
            await _hang_up(requests)
            raise
    return process, answers, requests


async def _end(process: Process, requests: asyncio.StreamWriter) -> None:
    """End a process, if it has not ended, and reap it."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()
    await _hang_up(requests)


async def _hang_up(requests: asyncio.StreamWriter) -> None:
    requests.close()
    with suppress(OSError):  # the other end was first
        await requests.wait_closed()


def make_environment() -> dict[str, str]:
    """The environment of a worker: without our own variables, which may name passwords."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("KEEPWELL_")}
    return {**kept, **ONE_THREAD}
