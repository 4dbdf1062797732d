"""The ledger of a company's rollups: which files are in them, and in which part.

A rollup is a folder of parts, each written once and never changed but by an erasure.
``ledger.json`` names those that count and is replaced as the last act of a build: whatever happens
before, the last good rollup stays as it was.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.errors import InputError, Problem

_KEPT_SECONDS = 24 * 3600
_CHUNK = 1 << 20


@dataclass(frozen=True)
class InputFile:
    """A file that is in the rollup, as it was when it was read.

    Parameters
    ----------
    path : str
    sha256 : str
    stamp : tuple of int
        Size, time of change of content and of the entry in nanoseconds, and inode: as long as they
        are the same, the file is not read again to see whether it is.
    """

    path: str
    sha256: str
    stamp: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A folder of the rollup.

    Parameters
    ----------
    name : str
    first_day, last_day : int
        Days since 1970-01-01, both inclusive.
    rows : int
    columns : tuple of str
    late : bool
        Whether any row was known later than its own day.
    """

    name: str
    first_day: int
    last_day: int
    rows: int
    columns: tuple[str, ...]
    late: bool


@dataclass(frozen=True)
class Ledger:
    """What a company's rollup consists of.

    Parameters
    ----------
    fingerprint : str
        sha256 of all that decides what is in a part beside the files; another needs a new build.
    files : tuple of InputFile
    parts : tuple of Part
    events : tuple of str
        In the order of their bits.
    types : dict of str to str
        Types that the query returned, by column.
    erased : frozenset of str
        ``features.part.erasure_mark`` of users who were erased; they are left out for good.
    digest : str
        What was read in all, for the model's card.
    problems : tuple of Problem
        What was found among the rows and did not stop the build.
    """

    fingerprint: str
    files: tuple[InputFile, ...]
    parts: tuple[Part, ...]
    events: tuple[str, ...]
    types: dict[str, str]
    erased: frozenset[str]
    digest: str
    problems: tuple[Problem, ...] = ()


def stamp_of(file: Path) -> tuple[int, ...]:
    """Size, times and inode of a file."""
    status = file.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def hash_file(file: Path) -> str:
    """sha256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def digest_of(files: Iterable[InputFile], erased: Iterable[str]) -> str:
    """sha256 of all that is in a rollup: files in any order, and who was left out."""
    said = [*sorted(file.sha256 for file in files), *sorted(erased)]
    return hashlib.sha256("".join(said).encode()).hexdigest()


def read_ledger(folder: Path) -> Ledger | None:
    """The ledger in a folder; None when nothing was built yet.

    Raises
    ------
    InputError
        When there is one that cannot be read: it knows which users were erased.
    """
    if not (folder / "ledger.json").exists():
        return None
    try:
        found: dict[str, Any] = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
        return Ledger(
            fingerprint=found["fingerprint"],
            files=tuple(
                InputFile(f["path"], f["sha256"], tuple(f["stamp"])) for f in found["files"]
            ),
            parts=tuple(Part(**{**p, "columns": tuple(p["columns"])}) for p in found["parts"]),
            events=tuple(found["events"]),
            types=found["types"],
            erased=frozenset(found["erased"]),
            digest=found["digest"],
            problems=tuple(
                Problem(**{**p, "examples": tuple(p["examples"])}) for p in found["problems"]
            ),
        )
    except (ValueError, KeyError, TypeError):
        rule = "cannot be read, so who was erased is not known"
        remedy = "put it back from a copy, or remove it and erase these users again"
        damaged = Problem(str(folder / "ledger.json"), "", rule, remedy=remedy)
        raise InputError([damaged]) from None


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Put a ledger in the place of the last one, in one step."""
    document = asdict(ledger) | {"erased": sorted(ledger.erased)}
    new = folder / "ledger.json.new"
    with new.open("w", encoding="utf-8") as opened:
        json.dump(document, opened, indent=1)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(folder / "ledger.json")


@contextmanager
def building(folder: Path) -> Iterator[None]:
    """Hold the folder while a build changes it: a second build waits for the first."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_leftovers(folder: Path, ledger: Ledger) -> None:
    """Remove parts that no ledger names, once they are a day old.

    Another process may still be reading what the last ledger named.
    """
    named = {part.name for part in ledger.parts}
    for found in folder.iterdir():
        if not found.is_dir() or found.name in named:
            continue
        if time.time() - found.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(found, ignore_errors=True)
