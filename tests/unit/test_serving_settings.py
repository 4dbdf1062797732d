"""Where the service may listen, and how its command refuses anything else."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from features.errors import InputError
from serving.__main__ import main
from serving.journal import JsonLine
from serving.settings import Settings

STORE = "sqlite:///nowhere/store.db"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_a_loopback_host_is_accepted(host: str) -> None:
    assert Settings(store_url=STORE, host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "example.com", "localhost."])
def test_a_host_that_others_can_reach_is_refused_with_a_remedy(host: str) -> None:
    with pytest.raises(
        InputError, match=r"must be a loopback address.*use 127\.0\.0\.1.*keepwell keys create"
    ):
        Settings(store_url=STORE, host=host)


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Settings(store_url=STORE, host="0.0.0.0", port=70_000)
    assert [problem.column for problem in caught.value.problems] == ["host", "port"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--store", STORE, "--host", "0.0.0.0"], "--host: "),
        (["--store", STORE, "--port", "70000"], "--port: "),
        (["--store", STORE, "--stale-after-days", "-1"], "--stale-after-days: "),
        (["--store", STORE, "--rate", "never"], "--rate: "),
        (["--store", STORE, "--workers", "3"], "--workers: "),
        (["--store", "mysql://u:geheim@h/d"], "store.url: "),
    ],
)
def test_the_command_ends_with_2_and_one_message_that_names_the_option(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.startswith(f"keepwell serve: {named}")
    assert "geheim" not in told.err


def test_what_is_wrong_with_a_variable_is_told_by_its_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEPWELL_REDIS", "http://geheim")
    assert main(["--store", STORE]) == 2
    told = capsys.readouterr().err
    assert told.startswith("keepwell serve: KEEPWELL_REDIS: must be the URL of a Redis server")
    assert "geheim" not in told


def test_the_command_without_a_store_ends_with_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEEPWELL_STORE", raising=False)
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "--store" in capsys.readouterr().err


def test_a_log_line_is_json_and_gives_an_exception_by_its_type_alone() -> None:
    try:
        raise ValueError("Anna Nowak")
    except ValueError:
        fault = sys.exc_info()
    record = logging.LogRecord("serving", logging.ERROR, "", 1, "a\nb %s", ("c",), fault)
    line = JsonLine().format(record)
    assert "\n" not in line
    told = json.loads(line)
    assert (told["message"], told["level"], told["exception"]) == ("a\nb c", "error", "ValueError")
    assert "Anna" not in line
