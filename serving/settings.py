"""What the service needs to know to start."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from features.errors import InputError, Problem

PORTS = range(65_536)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one serving process, checked when made.

    Parameters
    ----------
    store_url : str
        Of the snapshot store: ``sqlite:///folder/store.db`` or ``postgresql+psycopg://…``.
    host : str
        Loopback address to listen on. There are no keys yet, so no other host is allowed.
    port : int
        TCP port; 0 takes a free one.

    Raises
    ------
    InputError
        A host that other machines can reach, or a port that does not exist.
    """

    store_url: str
    host: str = "127.0.0.1"
    port: int = 8000

    def __post_init__(self) -> None:
        problems = []
        if not is_loopback(self.host):
            rule = f"must be a loopback address, not {self.host!r}: this service has no keys"
            remedy = "use 127.0.0.1, ::1 or localhost"
            problems.append(Problem("serve", "host", rule, remedy=remedy))
        if self.port not in PORTS:
            rule = f"must lie in 0-{PORTS[-1]}, not {self.port}"
            problems.append(Problem("serve", "port", rule, remedy="use a free port such as 8000"))
        if problems:
            raise InputError(problems)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service that listens on the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
