"""A service with keys that people sign in at, and browsers that did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.session_store import SessionStore
from models.store import SnapshotStore
from serving.application import Service
from tests.integration.browser import SITE, Browser, add_probe
from tests.integration.client import serve
from tests.integration.company import due, snapshot

COOKIE = "__Host-keepwell"


class World:
    """A service with keys, and two of it over the same stores."""

    def __init__(self, folder: Path, service: ServiceStore) -> None:
        self.url = f"sqlite:///{folder}/store.db"
        self.service_url = f"sqlite:///{folder}/service.db"
        with SnapshotStore(self.url) as store:
            store.publish(snapshot(due("A1", 0.5)))
        self.keys = KeyStore(service)
        self.sessions = SessionStore(service)
        self.apps: list[Service] = []
        self.app = self.start()

    def start(self) -> Service:
        """One more process's application."""
        app = serve(self.url, service_store_url=self.service_url)
        add_probe(app)
        self.apps.append(app)
        self.refresh()
        return app

    def refresh(self) -> None:
        """Let every process read keys and sessions."""
        for app in self.apps:
            assert app.guards.keys is not None
            assert app.guards.sessions is not None
            app.guards.keys.refresh()
            app.guards.sessions.refresh()

    def key(
        self,
        *scopes: str,
        of: dict[str, list[str]] | None = None,
        lasts: timedelta | None = None,
    ) -> str:
        """A new key's token."""
        now = datetime.now(UTC)
        made = self.keys.create(
            "test",
            scopes or ("scores:read",),
            RowFilter(of or {}),
            now=now,
            expires_at=None if lasts is None else now + lasts,
        )
        self.refresh()
        return made.token

    def figure(self, outcome: str) -> float:
        """Attempts to sign in with an outcome."""
        text = self.app.guards.metrics.render().decode()
        name = f'keepwell_sign_ins_total{{outcome="{outcome}"}} '
        return sum(float(line[len(name) :]) for line in text.splitlines() if line.startswith(name))


@contextmanager
def opened(folder: Path) -> Iterator[World]:
    """A world over stores in a folder."""
    with ServiceStore(f"sqlite:///{folder}/service.db") as service:
        made = World(folder, service)
        yield made
        for app in made.apps:
            app.close()


def signed_in(world: World, key: str | None = None, *, site: str = SITE) -> Browser:
    """A browser that signed in, by default with a new key."""
    browser = Browser(world.app, site=site)
    assert browser.sign_in(key or world.key()).status_code == 303
    return browser
