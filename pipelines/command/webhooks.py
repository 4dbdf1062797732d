"""``keepwell webhooks``: who is told when an account's risk tier changes."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.command.opening import print_json
from pipelines.command.option import JsonOption

if TYPE_CHECKING:
    from features.errors import Problem
    from models.settings import WebhookSettings
    from models.webhook import Target
    from models.webhook_store import WebhookStore
    from pipelines.webhook_delivery import Deliverer, Told

webhooks = typer.Typer(
    name="webhooks",
    help="Tell others when an account's risk tier changes; see docs/webhooks.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LOOK_EVERY_S = 5.0
TargetArgument = Annotated[str, typer.Argument(metavar="TARGET", help="As webhooks list shows it.")]
AllowOption = Annotated[
    Path | None,
    typer.Option(
        "--config", help="A company's YAML file, whose webhooks.allow_private lets targets in."
    ),
]


@webhooks.command()
def add(
    name: Annotated[str, typer.Argument(help="Who listens, such as crm.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Where messages go: https://…")],
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="FIELD=VALUE",
            help="It is told of these accounts only, such as segment=smb; may be repeated.",
        ),
    ] = None,
    config: AllowOption = None,
    json_: JsonOption = False,
) -> None:
    """Add a target. The secret by which it knows our messages is printed once.

    It is told of what changes from now on.
    """
    from features.errors import InputError
    from models.row_filter import EVERYTHING, parse_conditions
    from models.store import SnapshotStore
    from models.webhook import make_target
    from models.webhook_address import AllowList
    from pipelines.home import Home

    allowed = AllowList(_settings(config).allow_private)
    row_filter = EVERYTHING
    problems: list[Problem] = []
    try:
        row_filter = parse_conditions(filter_ or [])
    except InputError as fault:
        problems += fault.problems
    with SnapshotStore(Home.from_environment().store_url) as snapshots:
        served = snapshots.current()
    try:
        target = make_target(
            name,
            url,
            row_filter,
            now=datetime.now(UTC),
            allowed=allowed,
            told_up_to=None if served is None else served.snapshot_id,
        )
    except InputError as fault:
        raise InputError([*problems, *fault.problems]) from None
    if problems:
        raise InputError(problems)
    with _hooks() as hooks:
        hooks.add(target)
    if json_:
        print_json({**target.to_json(), "secret": target.secret})
        return
    typer.echo(f"target {target.target_id} ({target.name}): {target.label}", err=True)
    typer.echo("keep this secret: it is shown once", err=True)
    typer.echo(target.secret)


@webhooks.command(name="list")
def list_targets(json_: JsonOption = False) -> None:
    """Show every target, how it stands, and what is waiting or dead."""
    with _hooks() as hooks:
        targets, counts = hooks.targets(), hooks.counts()
        faults = {one.target_id: hooks.faults(one.target_id) for one in targets} if json_ else {}
    none = {"waiting": 0, "sent": 0, "dead": 0}
    if json_:
        told = [
            {
                **one.to_json(),
                **counts.get(one.target_id, none),
                "faults": faults[one.target_id],
            }
            for one in targets
        ]
        print_json({"targets": told})
        return
    if not targets:
        typer.echo("no targets: nobody is told")
    for one in targets:
        count = counts.get(one.target_id, none)
        typer.echo(
            f"{one.target_id}  {one.name}  {one.label}  {_state(one)}  "
            + ", ".join(f"{count[state]} {state}" for state in none)
        )


@webhooks.command()
def rotate(
    target: TargetArgument,
    overlap: Annotated[
        str,
        typer.Option("--overlap", help="How long the old secret signs too, such as 7d; 0m: ends."),
    ] = "7d",
    json_: JsonOption = False,
) -> None:
    """Give a target a new secret, printed once.

    Until the overlap is over messages are signed by both, so that the receiver may change over
    whenever it likes.
    """
    from pipelines.duration import read_duration

    now, both = datetime.now(UTC), read_duration(overlap, "--overlap")
    with _hooks() as hooks:
        new = hooks.rotate(target, now=now, overlap=both)
    if json_:
        print_json({**new.to_json(), "secret": new.secret})
        return
    until = new.old_secret_until
    old = f"signs too until {until:%Y-%m-%d %H:%M} UTC" if until else "signs nothing any more"
    typer.echo(f"target {new.target_id} ({new.name}): the old secret {old}", err=True)
    typer.echo("keep this secret: it is shown once", err=True)
    typer.echo(new.secret)


@webhooks.command()
def remove(target: TargetArgument) -> None:
    """Remove a target, with what was to be sent to it."""
    with _hooks() as hooks:
        hooks.remove(target)
    typer.echo(f"{target} is removed")


@webhooks.command()
def ping(target: TargetArgument, config: AllowOption = None, json_: JsonOption = False) -> None:
    """Send a target a message that says nothing, now.

    Where it comes through, a target that was stopped is told again.
    """
    with _deliverer(config) as deliverer:
        outcome = deliverer.ping(target)
    if json_:
        print_json({"target_id": target, "came_through": not outcome.fault, "fault": outcome.fault})
    else:
        typer.echo(f"{target}: {outcome.fault or 'it came through'}")
    if outcome.fault:
        raise typer.Exit(1)


@webhooks.command()
def deliver(
    config: AllowOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until stopped, and send what comes due.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Send what is due. Of several at once one sends.

    The exit code is 1 when something did not come through; with --watch it says nothing of that.
    """
    with _deliverer(config) as deliverer:
        if watch:
            _watch(deliverer)
            return
        told = deliverer.run()
    if json_:
        print_json(told.to_json())
    else:
        typer.echo(_say(told))
    if not told.is_well:
        raise typer.Exit(1)


@webhooks.command()
def replay(
    target: TargetArgument,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="SNAPSHOT",
            help="Send all that changed after this snapshot again, not only what is dead.",
        ),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Let dead messages be sent again, with their ids, by the next deliver."""
    with _hooks() as hooks:
        again = hooks.replay(target, datetime.now(UTC), since=since)
    if json_:
        print_json({"target_id": target, "again": again})
        return
    typer.echo(f"{target}: {again} messages wait again; send them with: keepwell webhooks deliver")


@contextmanager
def _hooks() -> Iterator[WebhookStore]:
    from models.service_store import ServiceStore
    from models.webhook_store import WebhookStore
    from pipelines.home import Home

    with ServiceStore(Home.from_environment().service_store_url) as service:
        yield WebhookStore(service)


@contextmanager
def _deliverer(config: Path | None) -> Iterator[Deliverer]:
    from pipelines.home import Home
    from pipelines.webhook import open_deliverer

    with open_deliverer(Home.from_environment(), _settings(config)) as deliverer:
        yield deliverer


def _settings(config: Path | None) -> WebhookSettings:
    """What a company's configuration says of webhooks; without one no private target is let in."""
    from models.settings import WebhookSettings

    if config is None:
        return WebhookSettings()
    from pipelines.command.opening import read_company

    return read_company(config, None).webhooks


def _watch(deliverer: Deliverer) -> None:
    """Send what comes due until the process is told to stop; what is being sent is finished."""
    from features.errors import TransientError

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        while True:
            try:
                told = deliverer.run()
            except TransientError as fault:
                typer.echo(f"warning: {fault}", err=True)
            else:
                if told.sent or told.failed:
                    typer.echo(_say(told))
            time.sleep(LOOK_EVERY_S)


def _state(target: Target) -> str:
    return f"stopped: {target.stopped}" if target.stopped else "told"


def _say(told: Told) -> str:
    if told.busy:
        return "another process sends; nothing was done"
    stopped = f", stopped: {', '.join(told.stopped)}" if told.stopped else ""
    return (
        f"{told.sent} sent, {told.failed} failed, {told.dead} dead, {told.waiting} waiting{stopped}"
    )
