"""The command line ``keepwell``. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
import os
import sys
import traceback
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pipelines.config import Config
    from pipelines.scoring import Published
    from pipelines.training import TrainingRun

app = typer.Typer(
    name="keepwell",
    help="Which B2B SaaS accounts will not renew, why, and what that costs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rendering help with rich takes longer than everything else
)

ConfigOption = Annotated[Path, typer.Option("--config", help="The company's YAML file.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Data folder, instead of the config's.")
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Use only what was known before this day."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]


@app.command()
def demo(json_: JsonOption = False) -> None:
    """Show who will leave a made-up company.

    Makes the company once, trains on it, scores it, and says what to do next.
    """
    from pipelines.demonstration import run_demo

    found = run_demo(show=not json_)
    if json_:
        _print_json(found)


@app.command()
def check(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read all usage anew, also files that changed.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Check the configuration and the tables.

    Exit code 2 when something must be mended; all of it is said at once.
    """
    from features.errors import InputError
    from pipelines.presentation import make_console, show_problems

    try:
        _check(config, data, as_of, rebuild=rebuild, json_=json_)
    except InputError as error:
        console = make_console(stderr=True)
        if json_ or not console.is_terminal:
            raise
        show_problems(console, error.problems)
        raise typer.Exit(2) from None


def _check(
    path: Path, data: Path | None, as_of: datetime | None, *, rebuild: bool, json_: bool
) -> None:
    """Say what is wrong with tables that can be used, and where rows went that cannot."""
    loaded = _read(path, data)
    from pipelines.home import Home
    from pipelines.presentation import make_console, show_problems
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    home = Home.from_environment()
    with show_progress() as progress:
        day = as_of.date() if as_of else None
        source = open_company(loaded, home, as_of=day, rebuild=rebuild, progress=progress)
    if json_:
        _print_json({"problems": [problem.to_dict() for problem in source.notices]})
        return
    show_problems(make_console(), source.notices)
    for file in sorted((home.quarantine / loaded.company).glob("*.parquet")):
        typer.echo(f"quarantined rows, under KEEPWELL_HOME: {file.relative_to(home.folder)}")
    typer.echo(f"{loaded.company}: the tables can be used; data up to {source.data_end}, exclusive")


@app.command()
def features(
    config: Annotated[
        Path | None, typer.Option("--config", help="The company's YAML file; without it, all.")
    ] = None,
    data: DataOption = None,
    as_of: AsOfOption = None,
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL that computes them.")] = False,
    export: Annotated[
        Path | None,
        typer.Option("--export", help="Write the as-of rows with labels to this folder."),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the reference page docs/features.md.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """List the features, and those left out; print their SQL; or export rows as Parquet.

    A feature whose table or column the company does not have is left out, with the reason.
    """
    from pipelines.catalogue_page import (
        check_options,
        describe_company,
        list_templates,
        reference_page,
        template_json,
    )
    from pipelines.home import Home
    from pipelines.progress import show_progress
    from pipelines.source import open_company

    check_options(config=config, sql=sql, export=export, markdown=markdown, json_=json_)
    if markdown:
        typer.echo(reference_page(), nl=False)
        return
    text, found = "\n".join(list_templates()), template_json()
    if config is not None:
        loaded = _read(config, data)
        day = as_of.date() if as_of else None
        with show_progress() as progress:
            source = open_company(loaded, Home.from_environment(), as_of=day, progress=progress)
            text, found = describe_company(
                loaded, source, sql=sql, export=export, progress=progress
            )
    if json_:
        _print_json(found)
    else:
        typer.echo(text)


@app.command()
def train(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    shuffle_labels: Annotated[
        bool, typer.Option("--shuffle-labels", help="Null test: shuffle labels, record nothing.")
    ] = False,
    json_: JsonOption = False,
) -> None:
    """Train, judge and promote the models.

    Promoted is what beats chance and the simple baselines beyond noise; all is kept in MLflow.
    """
    if shuffle_labels:
        _judge_shuffled(config, data, as_of, json_=json_)
        return
    run_, _ = _work(config, data, as_of, training=True, scoring=False)
    _report(run_, None, json_=json_)


@app.command()
def score(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    json_: JsonOption = False,
) -> None:
    """Score all accounts and publish the snapshot."""
    _, published = _work(config, data, as_of, training=False, scoring=True)
    _report(None, published, json_=json_)


@app.command()
def run(
    config: ConfigOption,
    data: DataOption = None,
    as_of: AsOfOption = None,
    json_: JsonOption = False,
) -> None:
    """Train, then score and publish."""
    run_, published = _work(config, data, as_of, training=True, scoring=True)
    _report(run_, published, json_=json_)


@app.command()
def erase(
    config: ConfigOption,
    user: Annotated[str, typer.Option("--user", help="The user_id to erase.")],
    account: Annotated[
        str | None, typer.Option("--account", help="Only this account's user of that id.")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Erase a user from all that Keepwell keeps of usage.

    Files that are read later leave the user out; erase it in your own tables too.
    """
    loaded = _read(config, None)
    from features.erasure import erase_user
    from pipelines.home import Home

    home = Home.from_environment()
    folder, quarantine = home.rollups / loaded.company, home.quarantine / loaded.company
    erased = erase_user(folder, user, account, quarantine=quarantine)
    if json_:
        _print_json(asdict(erased))
        return
    if erased.accounts or erased.quarantined:
        said = (
            f"erased {erased.days:,} days of usage (accounts: {erased.accounts:,}) and "
            f"{erased.quarantined:,} rows in quarantine"
        )
    else:
        said = (
            "nothing is kept of such a user, or no longer (compare the id with usage); files that "
            "are read from now on leave it out"
        )
    typer.echo(f"{loaded.company}: {said}; erase the user in your own tables too")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Serve the published ranking.

    Under http://HOST:PORT/v1/accounts; it follows each new snapshot without a restart.
    """
    from pipelines.home import Home

    # The service is a process of its own that shares nothing with the pipelines but the store.
    # Its address goes by the environment, where a password in it is not seen by others.
    environment = {**os.environ, "KEEPWELL_STORE": Home.from_environment().store_url}
    arguments = ["-m", "serving", "--host", host, "--port", str(port)]
    os.execve(sys.executable, [sys.executable, *arguments], environment)


def _read(config: Path, data: Path | None) -> Config:
    from pipelines.home import Home, prepare_environment

    prepare_environment(Home.from_environment())
    from pipelines.config import read_config

    return read_config(config, data=data)


def _work(
    path: Path, data: Path | None, as_of: datetime | None, *, training: bool, scoring: bool
) -> tuple[TrainingRun | None, Published | None]:
    """Train, score or both: as Prefect flows where a server is named, else as plain functions."""
    config = _read(path, data)
    from pipelines.home import Home
    from pipelines.progress import show_progress

    day = as_of.date() if as_of else None
    if os.environ.get("PREFECT_API_URL"):
        from pipelines import flow

        run_ = flow.train(path, data=data, as_of=day) if training else None
        return run_, flow.score(path, data=data, as_of=day) if scoring else None
    from pipelines.scoring import score_company
    from pipelines.source import open_company
    from pipelines.training import train_company

    home = Home.from_environment()
    with show_progress() as progress:
        source = open_company(config, home, as_of=day, progress=progress)
        run_ = train_company(config, source, home, progress=progress) if training else None
        if not scoring:
            return run_, None
        population = run_.population if run_ else None
        return run_, score_company(config, source, home, population=population, progress=progress)


def _judge_shuffled(path: Path, data: Path | None, as_of: datetime | None, *, json_: bool) -> None:
    config = _read(path, data)
    from pipelines.home import Home
    from pipelines.progress import show_progress
    from pipelines.source import open_company
    from pipelines.training import judge_shuffled, outcomes_json

    day = as_of.date() if as_of else None
    with show_progress() as progress:
        source = open_company(config, Home.from_environment(), as_of=day, progress=progress)
        outcomes = judge_shuffled(config, source, progress=progress)
    if json_:
        _print_json(outcomes_json(outcomes, {}))
        return
    from pipelines.presentation import make_console, show_training

    show_training(make_console(), outcomes)


def _report(run_: TrainingRun | None, published: Published | None, *, json_: bool) -> None:
    if json_:
        found: dict[str, Any] = {}  # Any: a JSON document
        found |= run_.to_json() if run_ else {}
        found |= published.to_json() if published else {}
        _print_json(found)
        return
    from pipelines.presentation import make_console, show_ranking, show_training

    console = make_console()
    if run_ is not None:
        show_training(console, run_.outcomes)
    if published is not None:
        show_ranking(console, published.snapshot)


def _print_json(found: object) -> None:
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def main() -> None:
    """Entry point: errors that the user can mend end with exit code 2, all others with 1.

    A traceback is shown only where ``KEEPWELL_DEBUG=1`` asks for it.
    """
    from features.errors import InputError, KeepwellError

    try:
        app()
    except InputError as error:
        if "--json" in sys.argv:
            _print_json({"problems": [problem.to_dict() for problem in error.problems]})
        for problem in sorted(error.problems, key=lambda problem: problem.action == "stop"):
            word = "error" if problem.action == "stop" else problem.action
            typer.echo(f"{word}: {problem}", err=True)
        sys.exit(2)
    except KeepwellError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("KEEPWELL_DEBUG") == "1":
            raise
        typer.echo(f"error: {_describe_fault(error)}", err=True)
        sys.exit(1)


def _describe_fault(error: Exception) -> str:
    """Where a fault of ours arose; its text is left out, since it may hold data."""
    root = Path(__file__).parents[1]
    ours = [root / name for name in ("features", "models", "pipelines")]
    frames = [(Path(f.filename), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    file, line = [
        (file.relative_to(root), line)
        for file, line in frames
        if any(file.is_relative_to(folder) for folder in ours)
    ][-1]
    return (
        f"unexpected {type(error).__name__} at {file}:{line}; this is a fault of ours, "
        "please report it; KEEPWELL_DEBUG=1 shows the traceback"
    )
