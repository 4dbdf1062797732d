"""Command line of the service: ``python -m serving --store URL``."""

from __future__ import annotations

import argparse
import logging.config
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from features.errors import InputError
from serving.journal import log_config
from serving.server import build_server, reason_not_to_listen
from serving.settings import Settings

STORE_VARIABLE = "KEEPWELL_STORE"
FAILED = 1
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped and return the exit code: 0 stopped, 1 failed, 2 bad input."""
    chosen = build_parser().parse_args(arguments)
    try:
        settings = Settings(store_url=chosen.store, host=chosen.host, port=chosen.port)
        server = build_server(settings)
    except InputError as fault:
        print(f"keepwell serve: {fault}", file=sys.stderr)
        return BAD_INPUT
    if reason := reason_not_to_listen(settings):
        print(f"keepwell serve: {reason}", file=sys.stderr)
        return FAILED
    logging.config.dictConfig(log_config())
    with suppress(KeyboardInterrupt):  # the server has stopped in order and passes it on
        server.run()
    return 0 if server.started else FAILED


def build_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve the API.")
    store = os.environ.get(STORE_VARIABLE)
    parser.add_argument(
        "--store",
        default=store,
        required=store is None,
        metavar="URL",
        help=f"snapshot store: sqlite:///folder/store.db or postgresql+psycopg://user@host/name; "
        f"default: the environment variable {STORE_VARIABLE}, which keeps a password unseen",
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback only (default: %(default)s)")
    parser.add_argument("--port", default=8000, type=int, help="default: %(default)s")
    return parser


if __name__ == "__main__":
    sys.exit(main())
