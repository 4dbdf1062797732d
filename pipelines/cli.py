"""The command line ``keepwell``: its commands, and how errors are told to people."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command.argument import name_typed
from pipelines.command.backtest import backtest
from pipelines.command.check import check
from pipelines.command.demo import demo
from pipelines.command.erase import erase
from pipelines.command.explain import explain
from pipelines.command.export import export
from pipelines.command.features import features
from pipelines.command.forecast import forecast
from pipelines.command.keys import keys
from pipelines.command.opening import print_json
from pipelines.command.rollback import rollback
from pipelines.command.serve import serve
from pipelines.command.train import run, score, train
from pipelines.command.webhooks import webhooks

app = typer.Typer(
    name="keepwell",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # rendering help with rich takes longer than everything else
)
for command in (
    demo, check, features, train, score, run, backtest, explain, forecast, export, rollback, erase,
    serve,
):  # fmt: skip
    app.command()(command)
app.add_typer(keys)
app.add_typer(webhooks)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"keepwell {version('keepwell')}")
        raise typer.Exit


@app.callback()
def choose(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Which B2B SaaS accounts will not renew, why, and what that costs."""


def main() -> None:
    """Entry point: errors that the user can mend end with exit code 2, all others with 1.

    A traceback is shown only where ``KEEPWELL_DEBUG=1`` asks for it.
    """
    from features.errors import InputError, KeepwellError

    try:
        app()
    except InputError as error:
        problems = [name_typed(problem) for problem in error.problems]
        if "--json" in sys.argv:
            print_json({"problems": [problem.to_dict() for problem in problems]})
        for problem in sorted(problems, key=lambda problem: problem.action == "stop"):
            word = "error" if problem.action == "stop" else problem.action
            typer.echo(f"{word}: {problem}", err=True)
        sys.exit(2)
    except KeepwellError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        if os.environ.get("KEEPWELL_DEBUG") == "1":
            raise
        typer.echo(f"error: {_describe_absence(error) or _describe_fault(error)}", err=True)
        sys.exit(1)


def _describe_absence(error: Exception) -> str | None:
    """What to install where the base install lacks a package; None for any other fault."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.partition(".")[0]
    if package in ("features", "models", "pipelines", "serving"):
        return None
    return f"this command needs {package}, which is not installed; install keepwell[train]"


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
