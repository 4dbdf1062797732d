"""The server process around the application."""

from __future__ import annotations

import errno
import socket

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.application import create_app
from serving.problem import BAD_REQUEST, problem_response
from serving.settings import Settings

STOP_S = 10
_REASONS = {
    errno.EADDRINUSE: "is taken, perhaps by a service that still runs",
    errno.EACCES: "may not be listened on by this user",
}


class ProblemProtocol(H11Protocol):
    """HTTP that answers a request it cannot parse with a problem document, not plain text."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature
        """Answer and close the connection."""
        detail = "It is no valid HTTP/1.1, or its head is too large."
        answer = problem_response(BAD_REQUEST, "/", detail, headers={"Connection": "close"})
        body = bytes(answer.body)
        for event in (
            h11.Response(status_code=answer.status_code, headers=answer.raw_headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def reason_not_to_listen(settings: Settings) -> str | None:
    """Why nobody can listen on the address, in one sentence with the remedy; None when one can.

    Asked before the service starts, since that has only its log to say it in.
    """
    kind = socket.SOCK_STREAM
    for family, _, _, _, address in socket.getaddrinfo(settings.host, settings.port, type=kind):
        try:
            with socket.create_server(address, family=family):
                pass
        except OSError as error:
            if error.errno in _REASONS:
                place = f"port {settings.port} of {settings.host}"
                return f"{place} {_REASONS[error.errno]}; choose another one with --port"
    return None


def build_server(settings: Settings) -> uvicorn.Server:
    """A server that is ready to run.

    Raises
    ------
    InputError
        See `create_app`.
    """
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=[("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")],
        log_config=None,
        timeout_graceful_shutdown=STOP_S,
    )
    return uvicorn.Server(config)
