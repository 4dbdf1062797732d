"""A PostgreSQL server of its own for one test session."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NEEDED = ("initdb", "pg_ctl")
OWNER = "keepwell"
# The one role whose password the server asks for.
GUARDED = "guarded"
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of a server on a free loopback port, without the name of a database."""
    binaries = find_binaries()
    account = unprivileged_account()
    folder = Path(tempfile.mkdtemp(prefix="keepwell-postgres-", dir=reachable_folder(account)))
    try:
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
        data = folder / "data"
        options = ("-U", OWNER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        run(account, folder, binaries / "initdb", "-D", data, *options)
        access = data / "pg_hba.conf"
        guard = f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n"
        access.write_text(guard + access.read_text(encoding="utf-8"), encoding="utf-8")
        port = start(account, folder, binaries)
        try:
            yield f"postgresql+psycopg://{OWNER}@127.0.0.1:{port}"
        finally:
            run(account, folder, binaries / "pg_ctl", "stop", "-D", data, "-m", "immediate", "-w")
    finally:
        shutil.rmtree(folder)


def find_binaries() -> Path:
    """The folder that holds the server's programs, the newest version first."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: int(found.parent.name)
    )
    on_path = shutil.which("pg_ctl")
    candidates = [*reversed(versions), *([Path(on_path).resolve().parent] if on_path else [])]
    for folder in candidates:
        if all((folder / name).is_file() for name in NEEDED):
            return folder
    raise RuntimeError(
        "these tests start a PostgreSQL server and found no initdb and pg_ctl under "
        "/usr/lib/postgresql/*/bin or on PATH; install PostgreSQL 15 or newer (apt-get install "
        "postgresql)"
    )


def unprivileged_account() -> pwd.struct_passwd | None:
    """Whom to run the server as: PostgreSQL refuses root. None means ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def reachable_folder(account: pwd.struct_passwd | None) -> Path:
    """A temporary folder that the account can enter."""
    for folder in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        doors = [folder, *folder.parents]
        if account is None or all(door.stat().st_mode & stat.S_IXOTH for door in doors):
            return folder
    raise RuntimeError(f"no temporary folder can be entered by user {account and account.pw_name}")


def start(account: pwd.struct_passwd | None, folder: Path, binaries: Path) -> int:
    """Start the server and return its port; another process may take a free port first."""
    for last_try in (False, False, True):
        port = free_port()
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' {QUICK}"
        data, log = folder / "data", folder / "log"
        try:
            run(
                account, folder, binaries / "pg_ctl", "start", "-w",
                "-D", data, "-l", log, "-o", options,
            )  # fmt: skip
        except RuntimeError:
            if last_try:
                raise
        else:
            break
    return port


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(account: pwd.struct_passwd | None, folder: Path, *command: str | Path) -> None:
    """Run one of the server's programs as the account, and say why when it fails."""
    output = folder / "output"
    with output.open("a+") as stream:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
            timeout=120,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{output.read_text()}")
