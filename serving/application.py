"""The web application: routes, the gate before them, and what they read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from models.feedback_store import FeedbackStore
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.session_store import SessionStore
from models.store import SnapshotStore
from models.webhook_store import WebhookStore
from serving import (
    route_account,
    route_account_page,
    route_batch,
    route_compute,
    route_feedback,
    route_list,
    route_model,
    route_modules,
    route_operation,
    route_playbook,
    route_portfolio,
    route_reference,
    route_sign_in,
    route_snapshot,
    route_static,
    route_track_record,
    route_warning,
    route_webhook,
)
from serving.account_ledger import AccountLedger
from serving.account_view import AccountDesk
from serving.cards import Cards
from serving.endpoint import fails
from serving.fault import answer_faults
from serving.gate import Gate, Guards, LocalPort
from serving.journal import RequestLog
from serving.keyring import KeyRing
from serving.limit import make_limiter, read_policy
from serving.live_models import LiveModels
from serving.metric import Load, Metrics
from serving.modules_desk import ModulesDesk
from serving.page import Renderer
from serving.portfolio_ledger import Ledger
from serving.portfolio_view import PortfolioDesk
from serving.problem import MEDIA_TYPE
from serving.session import Sessions
from serving.settings import Settings
from serving.shelves import Shelves
from serving.sign_in_limit import SignInLimit
from serving.webhook_figure import WebhookFigures

DESCRIPTION = (
    "Which accounts will probably not renew, what that costs, and why. Probabilities are shares "
    "0-1; amounts are in the currency named beside them; what does not apply is null, never 0. "
    "Every error is an RFC 9457 problem document."
)
ROUTERS: tuple[APIRouter, ...] = (
    route_account.router,
    route_list.router,
    route_batch.router,
    route_feedback.router,
    route_warning.router,
    route_playbook.router,
    route_snapshot.router,
    route_track_record.router,
    route_compute.router,
    route_webhook.router,
    route_operation.router,
    route_reference.router,
    route_sign_in.router,
    route_portfolio.router,
    route_model.router,
    route_account_page.router,
    route_modules.router,
    route_static.router,
)


class Service(FastAPI):
    """A FastAPI application behind the gate, whose description gives errors their own media type.

    Parameters
    ----------
    guards : Guards
        What the gate asks; also under ``app.state`` for the routes.
    """

    def __init__(self, guards: Guards, **options: Any) -> None:  # Any: FastAPI's own
        super().__init__(**options)
        self.guards = guards
        self.state.guards = guards
        self.state.shelves = guards.shelves

    def build_middleware_stack(self) -> ASGIApp:
        """The gate around the routes; it does what Starlette's own outermost layers would."""
        inner = ExceptionMiddleware(
            AsyncExitStackMiddleware(self.router),
            handlers=dict(self.exception_handlers),
        )
        return Gate(inner, self.guards)

    async def local(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the local port answers, see `LocalPort`."""
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await LocalPort(self.middleware_stack)(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The API description, with every error as a problem document."""
        described = self.openapi_schema is not None
        schema = super().openapi()
        if not described:
            for path in schema["paths"].values():
                for operation in path.values():
                    _name_problems(operation["responses"])
            for router in ROUTERS:
                for route in router.routes:
                    _show_examples(schema["paths"], route)
        return schema

    def close(self) -> None:
        """Write the log, end the threads and close the stores."""
        self.guards.log.flush()
        self.state.renderer.close()
        self.guards.shelves.close()
        if self.guards.service_store is not None:
            self.guards.service_store.close()


def create_app(settings: Settings, *, log: RequestLog | None = None) -> Service:
    """The service over one snapshot store, which is opened with the first request.

    Parameters
    ----------
    settings : Settings
        The host and port are the server's.
    log : RequestLog or None
        Where requests are noted; None: stderr.

    Raises
    ------
    InputError
        A store's URL is not one of SQLite or PostgreSQL, or the limits cannot be kept.
    """
    shelves = Shelves(settings, SnapshotStore(settings.store_url))
    url = settings.service_store_url
    service_store = None if url is None else ServiceStore(url)
    load = Load()
    live_models = LiveModels(settings.home, shelves.get_company)
    keys = None if service_store is None else KeyRing(KeyStore(service_store))
    limiter = make_limiter(
        read_policy(settings.rate), workers=settings.workers, redis_url=settings.redis_url
    )
    guards = Guards(
        settings=settings,
        shelves=shelves,
        keys=keys,
        sessions=None
        if service_store is None or keys is None
        else Sessions(
            SessionStore(service_store),
            keys,
            idle_s=settings.session_idle_minutes * 60,
            life_s=settings.session_hours * 3600,
        ),
        service_store=service_store,
        live_models=live_models,
        limiter=limiter,
        sign_in_limit=SignInLimit(limiter.counter),
        metrics=Metrics(shelves, load),
        load=load,
        log=log or RequestLog(),
    )
    app = Service(
        guards,
        title="Keepwell",
        version="1",
        description=DESCRIPTION,
        docs_url=None,  # these pages would load scripts from the internet; see serving.reference
        redoc_url=None,
        redirect_slashes=False,
        lifespan=keep_up,
        responses=fails(400, 500, 503),
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.renderer = Renderer()
    app.state.ledger = ledger = Ledger(shelves.reader)
    app.state.cards = Cards(settings.home)
    app.state.desk = PortfolioDesk(ledger, app.state.cards)
    app.state.account_desk = AccountDesk(AccountLedger(shelves.reader), ledger, settings.crm_url)
    app.state.modules_desk = ModulesDesk(
        shelves.reader, None if service_store is None else FeedbackStore(service_store)
    )
    shelves.prepare = app.state.desk.prepare
    app.state.routes = tuple(route for router in ROUTERS for route in router.routes)
    app.state.page_paths = frozenset(getattr(route, "path", "") for route in app.state.routes)
    app.state.live_models = live_models
    app.guards.metrics.registry.register(live_models)
    app.state.webhook_figures = None
    if service_store is not None:
        app.state.webhook_figures = WebhookFigures(WebhookStore(service_store), shelves)
    for router in ROUTERS:
        app.include_router(router)
    answer_faults(app)
    return app


@asynccontextmanager
async def keep_up(app: Service) -> AsyncIterator[None]:
    """Follow the stores as long as the server runs, and close them in the end."""
    keys, sessions = app.guards.keys, app.guards.sessions
    tasks = [
        asyncio.create_task(app.guards.shelves.watch()),
        asyncio.create_task(app.state.live_models.watch()),
    ]
    if keys is not None:
        tasks.append(asyncio.create_task(keys.follow()))
    if sessions is not None:
        tasks.append(asyncio.create_task(sessions.follow()))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if keys is not None:
            await keys.finish()
        if sessions is not None:
            await sessions.finish()
        app.close()


def _show_examples(paths: dict[str, Any], route: BaseRoute) -> None:
    """Put the examples of answers back as they were written: FastAPI leaves out what is null."""
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return
    for method in route.methods or ():
        described = paths[route.path_format][method.lower()]["responses"]
        for status, told in route.responses.items():
            for media_type, content in told.get("content", {}).items():
                if "example" in content:
                    shown = described[str(status)]["content"][media_type]
                    shown["example"] = content["example"]


def _name_problems(responses: dict[str, Any]) -> None:
    """Move the schemas of error answers from JSON to problem documents."""
    for status, response in responses.items():
        if int(status) >= 400:
            response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}
