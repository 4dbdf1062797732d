"""The server process around the application."""

from __future__ import annotations

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from serving.application import create_app
from serving.problem import BAD_REQUEST, problem_response
from serving.settings import Settings

STOP_S = 10


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
