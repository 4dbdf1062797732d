"""What the service needs to know to start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from features.errors import InputError, Problem
from serving.crm_link import find_problems
from serving.limit import DEFAULT_RATE
from serving.proxy import Proxy

PORTS = range(65_536)
LOCAL_REMEDY = "use 127.0.0.1, ::1 or localhost, or make a key with: keepwell keys create"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of one serving process, checked when made.

    Parameters
    ----------
    store_url : str
        Of the snapshot store: ``sqlite:///folder/store.db`` or ``postgresql+psycopg://…``.
    service_store_url : str or None
        Of the service store, which holds the keys; None: there are none.
    home : Path or None
        Keepwell's home, for the cards of its models; None: no cards are shown.
    host : str
        Address to listen on. Other than loopback only where there are keys.
    port : int
        TCP port; 0 takes a free one.
    local_port : int or None
        Of 127.0.0.1, where figures and descriptions are told without a key; None: nowhere.
    stale_after_days : float or None
        Age of the as-of date from which answers say that the snapshot is stale; None: what the
        snapshot's own configuration allows.
    refresh_s : float
        Seconds between two looks for a newer snapshot; 0 looks with every request.
    memory_mb : int
        What the accounts of a snapshot may take; a larger one is read by request.
    rate : str
        Requests that a key may send, such as ``600/minute``.
    redis_url : str or None
        Where several workers count them together.
    workers : int
        Processes.
    most_requests : int
        Begun at once, above which the service answers 503.
    most_bytes : int
        Of a request's body.
    body_wait_s : float
        Seconds in which a request's body has to be there.
    session_idle_minutes : float
        Without a request, after which whoever signed in has to do so again.
    session_hours : float
        After which whoever signed in has to do so again in any case.
    proxy : Proxy or None
        That tells who asks for pages; None: there is none, and its word counts for nothing.
    crm_url : str or None
        Template of the addresses under which the CRM shows accounts, see `serving.crm_link`.

    Raises
    ------
    InputError
        A host that other machines can reach without any key, a port that does not exist, a figure
        out of its range.
    """

    store_url: str
    service_store_url: str | None = None
    home: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    local_port: int | None = None
    stale_after_days: float | None = None
    refresh_s: float = 1.0
    memory_mb: int = 512
    rate: str = DEFAULT_RATE
    redis_url: str | None = None
    workers: int = 1
    most_requests: int = 256
    most_bytes: int = 1_048_576
    body_wait_s: float = 30.0
    session_idle_minutes: float = 30.0
    session_hours: float = 12.0
    proxy: Proxy | None = None
    crm_url: str | None = None

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise InputError(problems)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)

    def _problems(self) -> Iterator[Problem]:
        if self.crm_url is not None:
            yield from find_problems(self.crm_url)
        if self.service_store_url is None and not self.is_local:
            yield host_problem(self.host)
        for name, port in (("port", self.port), ("local_port", self.local_port)):
            if port is not None and port not in PORTS:
                rule = f"must lie in 0-{PORTS[-1]}, not {port}"
                yield Problem("serve", name, rule, remedy="use a free port such as 8000")
        for name, least in (
            ("stale_after_days", 0.0),
            ("refresh_s", 0.0),
            ("memory_mb", 0),
            ("workers", 1),
            ("most_requests", 1),
            ("most_bytes", 1),
            ("body_wait_s", 0.0),
            ("session_idle_minutes", 1.0),
            ("session_hours", 0.1),
        ):
            value = getattr(self, name)
            if value is not None and not value >= least:
                rule = f"must be at least {least:g}, not {value:g}"
                yield Problem("serve", name, rule, remedy="leave it out for the default")


def host_problem(host: str) -> Problem:
    """What is wrong with a host that others can reach where there are no keys."""
    rule = f"must be a loopback address, not {host!r}: this service has no keys"
    return Problem("serve", "host", rule, remedy=LOCAL_REMEDY)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service that listens on the host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
