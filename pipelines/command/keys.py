"""``keepwell keys``: who may ask the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.command.opening import print_json
from pipelines.command.option import JsonOption

if TYPE_CHECKING:
    from features.errors import Problem
    from models.key import Key, NewKey
    from models.key_store import KeyStore

keys = typer.Typer(
    name="keys",
    help="Keys to the API: make, list, rotate and revoke them; see docs/keys.md.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="What keys list shows first.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="What uses the key, such as crm-production.")],
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What it may do; may be repeated.")
    ] = None,
    filter_: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="FIELD=VALUE",
            help="It sees these accounts only, such as segment=smb; may be repeated.",
        ),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option("--expires-in", help="It ends after that, such as 90d.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Make a key. Its token is printed once and kept nowhere."""
    from features.errors import InputError
    from models.key import key_problems
    from models.row_filter import EVERYTHING, parse_conditions
    from pipelines.duration import read_duration

    now, row_filter, expires_at = datetime.now(UTC), EVERYTHING, None
    problems: list[Problem] = []
    with _gathering(problems):
        row_filter = parse_conditions(filter_ or [])
    with _gathering(problems):
        expires_at = None if expires_in is None else now + read_duration(expires_in, "--expires-in")
    problems += key_problems(name, scope or [], row_filter, now=now, expires_at=expires_at)
    if problems:
        raise InputError(problems)
    with _key_store() as store:
        alike = [one.prefix for one in store.all() if _is_used(one, name.strip(), now)]
        new = store.create(name, scope or [], row_filter, now=now, expires_at=expires_at)
    for prefix in alike:
        said = f"{prefix} has the same name and opens too; to end it: keepwell keys revoke {prefix}"
        typer.echo(f"warning: {said}", err=True)
    _show_new(new, now, json_=json_)


@keys.command(name="list")
def list_keys(json_: JsonOption = False) -> None:
    """Show every key, what it may do and sees, and when it was last used."""
    now = datetime.now(UTC)
    with _key_store() as store:
        found = store.all()
    if json_:
        print_json({"keys": [key.to_json(now) for key in found]})
        return
    if not found:
        typer.echo("no keys: the service answers this machine only, and needs none")
    rows = [_cells(key, now) for key in found]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo(line.rstrip())


@keys.command()
def revoke(key: KeyArgument, json_: JsonOption = False) -> None:
    """End a key within seconds, for good."""
    from models.key import read_key_id

    now = datetime.now(UTC)
    with _key_store() as store:
        ended = store.revoke(read_key_id(key), now=now)
    if json_:
        print_json(ended.to_json(now))
        return
    typer.echo(f"{ended.prefix} ({ended.name}) is revoked: it opens nothing within 5 seconds")


@keys.command()
def rotate(
    key: KeyArgument,
    overlap: Annotated[
        str, typer.Option("--overlap", help="How long the old key still opens, such as 7d.")
    ] = "7d",
    json_: JsonOption = False,
) -> None:
    """Put a new key in the place of one, with the same scopes and filter.

    Both open until the overlap is over.
    """
    from models.key import read_key_id
    from pipelines.duration import read_duration

    now = datetime.now(UTC)
    both = read_duration(overlap, "--overlap")
    with _key_store() as store:
        new, old = store.rotate(read_key_id(key), now=now, overlap=both)
    _show_new(new, now, json_=json_, old=old)


@contextmanager
def _key_store() -> Iterator[KeyStore]:
    from models.key_store import KeyStore
    from models.service_store import ServiceStore
    from pipelines.home import Home

    with ServiceStore(Home.from_environment().service_store_url) as store:
        yield KeyStore(store)


@contextmanager
def _gathering(problems: list[Problem]) -> Iterator[None]:
    """Keep what is wrong for later, so that everything is told at once."""
    from features.errors import InputError

    try:
        yield
    except InputError as fault:
        problems += fault.problems


def _show_new(new: NewKey, now: datetime, *, json_: bool, old: Key | None = None) -> None:
    """The token alone on stdout, so that a program can take it; what it is on stderr."""
    if json_:
        replaced = {} if old is None else {"replaces": old.to_json(now)}
        print_json({**new.key.to_json(now), "token": new.token, **replaced})
        return
    typer.echo(f"key {new.key.prefix} ({new.key.name}): {_describe(new.key)}", err=True)
    if old is not None:
        typer.echo(f"{old.prefix} opens until {_moment(old.expires_at)}", err=True)
    typer.echo("keep this token: it is shown once and can be read nowhere", err=True)
    typer.echo(new.token)


def _is_used(key: Key, name: str, now: datetime) -> bool:
    return key.name == name and key.status(now) == "active"


def _describe(key: Key) -> str:
    end = "has no end" if key.expires_at is None else f"ends {_moment(key.expires_at)}"
    return f"{', '.join(sorted(key.scopes))}; sees {_accounts(key)}; {end}"


def _cells(key: Key, now: datetime) -> tuple[str, ...]:
    state: str = key.status(now)
    if state == "active" and key.expires_at is not None:
        state = f"active until {_moment(key.expires_at)}"
    used = f"last used {_moment(key.last_used_at)}" if key.last_used_at else "never used"
    return key.prefix, key.name, state, ",".join(sorted(key.scopes)), _accounts(key), used


def _accounts(key: Key) -> str:
    if key.row_filter.is_everything:
        return "all accounts"
    return json.dumps(key.row_filter.to_json(), ensure_ascii=False)  # nothing in it moves a cursor


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M} UTC"
