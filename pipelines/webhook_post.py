"""Sends one message to one address that was checked, and tells in a word how it went.

By the standard library's `http.client`, which follows no redirect and reads no proxy from the
environment; here it is only told which address to connect to. Nothing of an answer is read but its
status and headers.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from ipaddress import ip_address

from features.errors import InputError
from models.webhook_address import (
    Address,
    AllowList,
    Destination,
    is_allowed,
    read_destination,
)

CONNECT_S = 5.0
WHOLE_S = 15.0  # of one message, from the first connection on
LONGEST_WAIT_S = 86_400.0
AGENT = "Keepwell-Webhooks"

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try went.

    Parameters
    ----------
    fault : str or None
        In a few words of ours; None when the message came through.
    is_gone : bool
        Whether the receiver says that it wants no more.
    wait_s : float
        How long the receiver asks to be left alone, seconds; 0 when it does not.
    """

    fault: str | None = None
    is_gone: bool = False
    wait_s: float = 0.0


class NotPublicError(Exception):
    """The name leads to an address that nothing may be sent to."""


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host, as the system finds them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in found))


class Postman:
    """Sends messages to wherever they may go.

    Parameters
    ----------
    allowed : AllowList
        Private targets.
    resolve : callable
        Gives all addresses of a host; asked anew for every message.
    context : ssl.SSLContext, optional
        By default the system's authorities, or those of ``SSL_CERT_FILE``.
    whole_s : float
        Seconds that a message may take.
    """

    def __init__(
        self,
        allowed: AllowList,
        *,
        resolve: Resolve = resolve,
        context: ssl.SSLContext | None = None,
        whole_s: float = WHOLE_S,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve
        self._given = context
        self._whole_s = whole_s

    @cached_property
    def context(self) -> ssl.SSLContext:
        """What certificates are checked with; read when it is first needed."""
        return self._given or ssl.create_default_context()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, public_only: bool = False
    ) -> Outcome:
        """Send a message once; whatever goes wrong is an outcome and nothing is raised.

        Parameters
        ----------
        url : str
            Of the target.
        headers : mapping of str to str
            That sign the message.
        body : bytes
            JSON.
        public_only : bool
            Whether no private target is let in, whatever `allowed` says.
        """
        allowed = AllowList() if public_only else self._allowed
        try:
            destination = read_destination(url, allowed)
            addresses = self._check(destination, allowed)
            deadline = time.monotonic() + self._whole_s
            connection = _Connection(destination, addresses, self.context, deadline)
            return _send(connection, destination, headers, body)
        except InputError:
            return Outcome("url is not allowed")
        except NotPublicError:
            return Outcome("address is not public")
        except socket.gaierror:
            return Outcome("host is not known")
        except ssl.SSLCertVerificationError:
            return Outcome("certificate is not valid")
        except TimeoutError:
            return Outcome("took too long")
        except ssl.SSLError:
            return Outcome("TLS failed")
        except (OSError, UnicodeError):
            return Outcome("no connection")
        except http.client.HTTPException:
            return Outcome("answer is no HTTP")

    def _check(self, destination: Destination, allowed: AllowList) -> list[Address]:
        """The addresses of a host, all of which may be sent to.

        One that may not is no matter of chance: who serves such a name wants to lead us inside.
        """
        found = [ip_address(text) for text in self._resolve(destination.host, destination.port)]
        if not found:
            raise socket.gaierror
        if not all(is_allowed(destination.host, one, allowed) for one in found):
            raise NotPublicError
        return found


class _Connection(http.client.HTTPConnection):
    """A connection to one of the given addresses, encrypted for the host that was asked for."""

    def __init__(
        self,
        destination: Destination,
        addresses: Sequence[Address],
        context: ssl.SSLContext,
        deadline: float,
    ) -> None:
        super().__init__(destination.host, destination.port)
        self.default_port = 443 if destination.scheme == "https" else 80  # not told in Host
        self._destination = destination
        self._addresses = addresses
        self._context = context
        self._deadline = deadline

    def connect(self) -> None:
        """Open the socket."""
        plain = self._open()
        plain.settimeout(self.left())
        if self._destination.scheme == "http":
            self.sock = plain
            return
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self._destination.host)
        except BaseException:
            plain.close()
            raise

    def left(self) -> float:
        """Seconds that are left.

        Raises
        ------
        TimeoutError
            None are.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def cut(self) -> None:
        """End it from another thread: a wait on it ends at once."""
        if self.sock is not None:
            with suppress(OSError):  # it may be over already
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # below TLS

    def _open(self) -> socket.socket:
        for address in self._addresses[:-1]:
            try:
                return self._open_one(address)
            except OSError:
                continue
        return self._open_one(self._addresses[-1])

    def _open_one(self, address: Address) -> socket.socket:
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.settimeout(min(CONNECT_S, self.left()))
            plain.connect((str(address), self._destination.port))
        except BaseException:
            plain.close()
            raise
        return plain


def _send(
    connection: _Connection, destination: Destination, headers: Mapping[str, str], body: bytes
) -> Outcome:
    try:
        connection.connect()
        late = threading.Timer(connection.left(), connection.cut)
        late.daemon = True
        late.start()
        # A timeout of the socket begins anew with each byte, and so would never end this.
        try:
            told = {"Content-Type": "application/json", "User-Agent": AGENT, **headers}
            connection.request("POST", destination.path, body=body, headers=told)
            answer = connection.getresponse()
            return _judge(answer.status, answer.headers.get("Retry-After"))
        except (OSError, http.client.HTTPException):
            connection.left()  # cut off for being late, whatever it looks like
            raise
        finally:
            late.cancel()
    finally:
        connection.close()


def _judge(status: int, again: str | None) -> Outcome:
    if 200 <= status < 300:
        return Outcome()
    if status == HTTPStatus.GONE:
        return Outcome("answered 410", is_gone=True)
    redirected = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    seconds = float(again) if again is not None and again.isascii() and again.isdigit() else 0.0
    return Outcome(f"answered {status}{redirected}", wait_s=min(seconds, LONGEST_WAIT_S))
