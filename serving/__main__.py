"""Command line of the service: ``python -m serving --store URL``."""

from __future__ import annotations

import argparse
import logging.config
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from features.errors import InputError, Problem, TransientError
from serving.crew import Crew
from serving.crm_link import VARIABLE as CRM_VARIABLE
from serving.journal import log_config
from serving.limit import DEFAULT_RATE
from serving.proxy import read_proxy
from serving.server import build_server, reason_not_to_listen
from serving.settings import Settings

STORE_VARIABLE = "KEEPWELL_STORE"
SERVICE_STORE_VARIABLE = "KEEPWELL_SERVICE_STORE"
VARIABLES = {"redis": "KEEPWELL_REDIS", "crm_url": CRM_VARIABLE}
IDLE_VARIABLE = "KEEPWELL_SESSION_IDLE_MINUTES"
HOURS_VARIABLE = "KEEPWELL_SESSION_HOURS"
FAILED = 1
BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until stopped and return the exit code: 0 stopped, 1 failed, 2 bad input."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    chosen = build_parser().parse_args(arguments)
    home = os.environ.get("KEEPWELL_HOME")
    try:
        settings = Settings(
            store_url=chosen.store,
            service_store_url=os.environ.get(SERVICE_STORE_VARIABLE) or None,
            home=Path(home) if home else None,
            host=chosen.host,
            port=chosen.port,
            local_port=chosen.local_port,
            stale_after_days=chosen.stale_after_days,
            memory_mb=chosen.memory_mb,
            rate=chosen.rate,
            redis_url=os.environ.get("KEEPWELL_REDIS") or None,
            workers=chosen.workers,
            session_idle_minutes=read_number(IDLE_VARIABLE, 30.0),
            session_hours=read_number(HOURS_VARIABLE, 12.0),
            proxy=read_proxy(os.environ),
            crm_url=os.environ.get(CRM_VARIABLE, "").strip() or None,
        )
        server = build_server(settings)  # with several workers too: what is wrong shows here
    except InputError as fault:
        for problem in fault.problems:
            print(f"keepwell serve: {_name_typed(problem)}", file=sys.stderr)
        return BAD_INPUT
    except TransientError as fault:
        print(f"keepwell serve: {fault}", file=sys.stderr)
        return FAILED
    if chosen.socket is None and (reason := reason_not_to_listen(settings)):
        print(f"keepwell serve: {reason}", file=sys.stderr)
        return FAILED
    logging.config.dictConfig(log_config())
    if settings.workers > 1 and chosen.socket is None:
        return Crew(settings, _for_workers(chosen)).run()
    sockets = None if chosen.socket is None else [socket.socket(fileno=chosen.socket)]
    with suppress(KeyboardInterrupt):  # the server has stopped in order and passes it on
        server.run(sockets)
    return 0 if server.started else FAILED


def _name_typed(problem: Problem) -> Problem:
    """The same problem by the option or variable that it came from."""
    if problem.table not in ("serve", "limits"):
        return problem
    typed = f"--{problem.column.replace('_', '-')}"
    return replace(problem, table=VARIABLES.get(problem.column, typed), column="")


def read_number(name: str, default: float) -> float:
    """The number in a variable of the environment, or the default without one.

    Raises
    ------
    InputError
        It holds something else.
    """
    text = os.environ.get(name, "").strip()
    try:
        return float(text) if text else default
    except ValueError:
        rule = f"must be a number, not {text[:100]!r}"
        remedy = f"leave it out for {default:g}"
        raise InputError([Problem("serve", name, rule, remedy=remedy)]) from None


def _for_workers(chosen: argparse.Namespace) -> list[str]:
    """The options that every worker is given; what names a store goes by the environment."""
    os.environ[STORE_VARIABLE] = chosen.store
    names = ("host", "port", "stale_after_days", "memory_mb", "rate", "workers")
    return [
        part
        for name in names
        if (value := getattr(chosen, name)) is not None
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]


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
        f"default: the environment variable {STORE_VARIABLE}, which keeps a password unseen. The "
        f"service store, which holds the keys, is named by {SERVICE_STORE_VARIABLE} alone",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="loopback only, without keys (default: %(default)s)"
    )
    parser.add_argument("--port", default=8000, type=int, help="default: %(default)s")
    parser.add_argument(
        "--local-port",
        type=int,
        help="port of 127.0.0.1 that tells metrics and the API description without a key",
    )
    parser.add_argument(
        "--stale-after-days",
        type=float,
        help="age of the as-of date from which answers say stale; default: what the configuration "
        "said at the score run (serving.stale_after_days)",
    )
    parser.add_argument(
        "--memory-mb",
        default=512,
        type=int,
        help="for the accounts of a snapshot; a larger one is read by request "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        default=1,
        type=int,
        help="processes; more than one count rates in Redis, KEEPWELL_REDIS (default: %(default)s)",
    )
    parser.add_argument("--socket", type=int, help=argparse.SUPPRESS)  # from the crew to a worker
    parser.add_argument(
        "--rate", default=DEFAULT_RATE, help="requests a key may send (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
