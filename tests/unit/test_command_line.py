"""What the command line says of itself, and of what was mistyped."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import typer

from features.errors import Problem
from pipelines.cli import app, main
from pipelines.command.argument import TYPED, name_typed
from pipelines.config import Config
from pipelines.presentation import WIDTH, make_console
from pipelines.suggestion import find_keys, suggest


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["keepwell", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not run(monkeypatch, "--version")
    assert capsys.readouterr().out == f"keepwell {version('keepwell')}\n"


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["scor"], "score"), (["keys", "creat"], "create"), (["score", "--confg", "x"], "--config")],
)
def test_a_mistyped_command_or_option_is_told_with_what_is_like_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    meant: str,
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert meant in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("labls: {}", "config.labls: is no key of the configuration; write labels, or see"),
        (
            "labels: {churn: {horizon: 90}}",
            (
                "config.labels.churn.horizon: is no key of the configuration; seen: 90; "
                "write horizon_days, or see"
            ),
        ),
        (
            "measures: {storage: {kind: level, unitt: GB}}",
            "config.measures.storage.unitt: is no key of the configuration; seen: GB; write unit,",
        ),
        ("zzzzzz: 1", "config.zzzzzz: is no key of the configuration; seen: 1; remove it, or see"),
        (
            "features: [{name: mine, grup: usage}]",
            "config.features.0.grup: is no key of the configuration; seen: usage; write group, or",
        ),
    ],
)
def test_a_mistyped_key_of_the_configuration_is_told_with_what_is_like_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    lines: str,
    said: str,
) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(f"config_version: 1\ncompany: acme\ntables: {{}}\n{lines}\n", encoding="utf-8")
    assert run(monkeypatch, "check", "--config", str(path)) == 2
    assert said in capsys.readouterr().err


def test_a_mistyped_table_is_told_with_what_is_like_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(
        "config_version: 1\ncompany: acme\nlabels: {renewal: {}}\n"
        "tables: {account: SELECT 1, contracts: SELECT 1}\n",
        encoding="utf-8",
    )
    assert run(monkeypatch, "check", "--config", str(path)) == 2
    said = "config.tables.account: is no contract table; write accounts\n"
    assert said in capsys.readouterr().err


def test_what_is_like_nothing_is_guessed_from_nothing() -> None:
    assert suggest("qqqq", ["labels", "tables"]) is None
    assert suggest("LABELS", ["labels", "tables"]) == "labels"
    assert find_keys(Config, ["company"]) == set()


def test_every_option_that_stands_for_a_name_of_ours_is_there() -> None:
    root = typer.main.get_command(app)
    commands = [root.commands["export"]]  # type: ignore[attr-defined]  # of a group
    for name, command in (("keys", "create"), ("webhooks", "add")):
        commands.append(root.commands[name].commands[command])  # type: ignore[attr-defined]
    given = {part for one in commands for parameter in one.params for part in parameter.opts}
    for typed in (*TYPED.values(), "--filter"):
        assert typed.lower() in given
    told = name_typed(Problem("row filter", "owner", "must be a list"))
    assert str(told) == "--filter owner: must be a list"
    other = Problem("config", "labels", "names no label")
    assert name_typed(other) is other


@pytest.mark.parametrize(("columns", "width"), [("80", 80), (None, WIDTH), ("wide", WIDTH)])
def test_tables_that_are_piped_are_as_wide_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, width: int
) -> None:
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    assert make_console().width == width
