"""The web application: routes, guards and the store that they read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from models.store import SnapshotStore
from serving.fault import answer_faults
from serving.guard import LastResort, LoopbackGuard
from serving.problem import MEDIA_TYPE
from serving.route import fails, router
from serving.settings import Settings

DESCRIPTION = (
    "Which accounts will probably not renew, what that costs, and why. Probabilities are shares "
    "0-1; amounts are in the currency named beside them; what does not apply is null, never 0. "
    "Every error is an RFC 9457 problem document."
)


class Service(FastAPI):
    """A FastAPI application whose description gives errors their own media type."""

    def openapi(self) -> dict[str, Any]:
        """The API description, with every error as a problem document."""
        described = self.openapi_schema is not None
        schema = super().openapi()
        if not described:
            for path in schema["paths"].values():
                for operation in path.values():
                    _name_problems(operation["responses"])
        return schema


def create_app(settings: Settings) -> FastAPI:
    """The service over one snapshot store, which is opened with the first request.

    Parameters
    ----------
    settings : Settings
        Only `store_url` matters here; the host and port are the server's.

    Raises
    ------
    InputError
        The store's URL is not one of SQLite or PostgreSQL.
    """
    store = SnapshotStore(settings.store_url)

    @asynccontextmanager
    async def close_store(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = Service(
        title="Keepwell",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # the pages would load scripts from the internet
        redoc_url=None,
        redirect_slashes=False,
        lifespan=close_store,
        responses=fails(400, 403, 500, 503),
        middleware=[Middleware(LastResort), Middleware(LoopbackGuard)],
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.store = store
    app.include_router(router)
    answer_faults(app)
    return app


def _name_problems(responses: dict[str, Any]) -> None:
    """Move the schemas of error answers from JSON to problem documents."""
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
