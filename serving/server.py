"""The server process around the application."""

from __future__ import annotations

import asyncio
import errno
import socket

import uvicorn
from starlette.types import ASGIApp

from features.errors import InputError
from models.key_store import KeyStore
from models.service_store import ServiceStore
from serving.application import Service, create_app
from serving.heap import keep_freed_memory
from serving.protocol import ProblemProtocol
from serving.settings import Settings, host_problem

STOP_S = 10
_REASONS = {
    errno.EADDRINUSE: "is taken, perhaps by a service that still runs",
    errno.EACCES: "may not be listened on by this user",
}
KEEP_ALIVE_S = 75  # longer than proxies keep an idle connection, so that it is they who end it
HEADERS = [("X-Content-Type-Options", "nosniff")]  # the gate adds those that depend on the path


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


class GatedServer(uvicorn.Server):
    """A server whose application knows how many requests were begun, with a second, local port.

    Parameters
    ----------
    config : uvicorn.Config
        Of the application.
    app : Service
        The same.
    local_port : int or None
        Of 127.0.0.1, see `serving.gate.LocalPort`; None: there is none.
    """

    def __init__(
        self, config: uvicorn.Config, app: Service, *, local_port: int | None = None
    ) -> None:
        super().__init__(config)
        tasks = self.server_state.tasks
        app.guards.load.begun = lambda: len(tasks)
        self._app, self._local_port = app, local_port

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on both; what ends the one ends the other."""
        await super().startup(sockets)
        if self._local_port is None or not self.started:
            return
        config = configure(self._app.local, host="127.0.0.1", port=self._local_port)
        config.load()

        def make_protocol() -> ProblemProtocol:
            return ProblemProtocol(config, self.server_state, self.lifespan.state)

        loop = asyncio.get_running_loop()
        self.servers.append(await loop.create_server(make_protocol, "127.0.0.1", self._local_port))


def build_server(settings: Settings) -> uvicorn.Server:
    """A server that is ready to run.

    Raises
    ------
    InputError
        See `create_app`; or others could reach a service that has no keys.
    """
    app = create_app(settings)
    if not settings.is_local and not has_keys(settings):
        raise InputError([host_problem(settings.host)])
    keep_freed_memory()
    config = configure(app, host=settings.host, port=settings.port)
    return GatedServer(config, app, local_port=settings.local_port)


def configure(app: ASGIApp, *, host: str, port: int) -> uvicorn.Config:
    """How any application of ours is served."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        interface="asgi3",
        http=ProblemProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        headers=HEADERS,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )


def has_keys(settings: Settings) -> bool:
    """Whether the service store holds a key.

    Raises
    ------
    InputError, TransientError
        The service store cannot be read.
    """
    if settings.service_store_url is None:
        return False
    with ServiceStore(settings.service_store_url) as store:
        return bool(KeyStore(store).all())
