"""``keepwell serve`` says where its pages are before it becomes the service."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.command.serve import page_address


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://127.0.0.1:8000/"),
        ("::", "http://[::1]:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("localhost", "http://localhost:8000/"),
    ],
)
def test_the_address_is_one_that_a_browser_on_this_machine_opens(host: str, address: str) -> None:
    assert page_address(host, 8000) == address


def test_it_says_so_unless_the_port_is_chosen_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path))
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execve", lambda _path, arguments, _env: started.append(arguments))
    told = CliRunner().invoke(app, ["serve", "--port", "8765"])
    assert told.output == "The pages are at http://127.0.0.1:8765/\n"
    assert CliRunner().invoke(app, ["serve", "--port", "0"]).output == ""
    assert [one[1:3] for one in started] == [["-m", "serving"]] * 2
