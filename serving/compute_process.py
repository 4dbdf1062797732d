"""One model in a process of its own, asked over pipes: see `models.compute_worker`.

A process started as a command, not by `multiprocessing`, which would hand it pickles. LightGBM, and
whatever a damaged bundle makes it do, stays outside of the service.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from contextlib import suppress
from pathlib import Path

from models.frame import HEAD, LONGEST, READY, REFUSED, ROWS, ROWS_GZIP, pack_frame

BUFFER = 1_048_576  # bytes that are read ahead of a pipe
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
    version : str
        Of its model.
    """

    def __init__(self, process: Process, version: str) -> None:
        self.version = version
        self.ended = asyncio.Event()
        self._process = process
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
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "models.compute_worker", str(folder), company, model,
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
            limit=BUFFER,
            env=make_environment(),
            start_new_session=True,  # a signal to the service lets it answer what it has begun
        )  # fmt: skip
        assert process.stdout is not None
        try:
            kind, content = await asyncio.wait_for(_read_frame(process.stdout), within_s)
            if kind == READY:
                return cls(process, folder.name)
            reason = content[:LONGEST_REASON].decode(errors="replace")
            raise BundleRefusedError(reason if kind == REFUSED else "it said nothing that is known")
        except TimeoutError:
            await kill(process)
            raise BundleRefusedError(f"it was not loaded within {within_s:g} s") from None
        except (asyncio.IncompleteReadError, OSError):
            await kill(process)
            told = f"the process that loaded it ended with {process.returncode}"
            raise BundleRefusedError(told) from None
        except BaseException:
            await kill(process)
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
        assert self._process.stdin is not None
        if self.ended.is_set():
            raise WorkerGoneError
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        # Not drained: how many wait, and how long their bodies are, is bounded by the caller.
        self._process.stdin.write(pack_frame(ROWS_GZIP if takes_gzip else ROWS, body))
        try:
            return await asyncio.wait_for(answer, within_s)
        except TimeoutError:
            if self._waiting and self._waiting[0] is answer:
                self._kill()
            raise

    async def finish(self) -> None:
        """End it once what was begun is answered."""
        assert self._process.stdin is not None
        self._process.stdin.close()  # it reads what was sent, answers, and meets the end
        with suppress(TimeoutError):
            await asyncio.wait_for(self.ended.wait(), STOP_S + len(self._waiting))
        await self.stop()

    async def stop(self) -> None:
        """End it now."""
        await kill(self._process)
        await self._reading

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Hand answers to those who wait, in their order, until the worker ends."""
        assert self._process.stdout is not None
        try:
            while True:
                frame = await _read_frame(self._process.stdout)
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
            await self._process.wait()


async def _read_frame(pipe: asyncio.StreamReader) -> Frame:
    length, kind = HEAD.unpack(await pipe.readexactly(HEAD.size))
    if length > LONGEST:
        raise OSError("no frame of ours")
    return kind, await pipe.readexactly(length)


async def kill(process: Process) -> None:
    """End a process, if it has not ended, and reap it."""
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def make_environment() -> dict[str, str]:
    """The environment of a worker: without our own variables, which may name passwords."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("KEEPWELL_")}
    return {**kept, **ONE_THREAD}
