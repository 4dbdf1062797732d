"""``keepwell serve``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but loopback needs a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    local_port: Annotated[
        int | None,
        typer.Option(help="Port of 127.0.0.1 for metrics and API description, without a key."),
    ] = None,
    stale_after_days: Annotated[
        float | None,
        typer.Option(
            help="Age of the as-of date from which answers say stale; default: what the "
            "configuration said at the score run (serving.stale_after_days)."
        ),
    ] = None,
    memory_mb: Annotated[
        int,
        typer.Option(
            help="For the accounts of the snapshot (20,000 take about 50); a larger one is read by "
            "request."
        ),
    ] = 512,
    workers: Annotated[
        int, typer.Option(help="Processes; several count rates in Redis, KEEPWELL_REDIS.")
    ] = 1,
    rate: Annotated[str, typer.Option(help="Requests that a key may send.")] = "6000/minute",
) -> None:
    """Serve the published ranking.

    The pages at http://HOST:PORT/ and the API under /v1; it follows each new snapshot without a
    restart.
    """
    from pipelines.home import Home

    # The service is a process of its own that shares nothing with the pipelines but the store.
    # Addresses go by the environment, where a password in one is not seen by others.
    home = Home.from_environment()
    environment = {
        **os.environ,
        "KEEPWELL_HOME": str(home.folder),
        "KEEPWELL_STORE": home.store_url,
        "KEEPWELL_SERVICE_STORE": home.service_store_url,
    }
    options = {
        "--host": host,
        "--port": port,
        **({} if local_port is None else {"--local-port": local_port}),
        **({} if stale_after_days is None else {"--stale-after-days": stale_after_days}),
        "--memory-mb": memory_mb,
        "--workers": workers,
        "--rate": rate,
    }
    if port:
        typer.echo(f"The pages are at {page_address(host, port)}")
        sys.stdout.flush()  # what is not written yet is gone with this process
    arguments = ["-m", "serving", *(str(part) for pair in options.items() for part in pair)]
    os.execve(sys.executable, [sys.executable, *arguments], environment)


def page_address(host: str, port: int) -> str:
    """Where a browser on this machine finds the pages."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
