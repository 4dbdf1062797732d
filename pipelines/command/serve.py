"""``keepwell serve``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def serve(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the published ranking.

    Under http://HOST:PORT/v1/accounts; it follows each new snapshot without a restart.
    """
    from pipelines.home import Home

    # The service is a process of its own that shares nothing with the pipelines but the store.
    # Addresses go by the environment, where a password in one is not seen by others.
    home = Home.from_environment()
    environment = {
        **os.environ,
        "KEEPWELL_STORE": home.store_url,
        "KEEPWELL_SERVICE_STORE": home.service_store_url,
    }
    arguments = ["-m", "serving", "--host", host, "--port", str(port)]
    os.execve(sys.executable, [sys.executable, *arguments], environment)
