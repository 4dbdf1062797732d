"""``keepwell keys``: what is printed, once, and what is kept."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.key import is_secret, read_token
from models.key_store import KeyStore
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from pipelines.cli import main

Keys = Callable[..., tuple[int, str, str]]


@pytest.fixture
def keys(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Keys:
    """Run ``keepwell keys``: exit code, stdout and stderr."""
    del home
    monkeypatch.delenv("KEEPWELL_SERVICE_STORE", raising=False)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["keepwell", "keys", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_create_prints_the_token_alone_and_once(keys: Keys, home: Path) -> None:
    code, out, err = keys("create", "crm", "--scope", "scores:read", "--expires-in", "90d")
    assert code == 0
    found = read_token(out.removesuffix("\n").encode())
    assert found is not None
    with ServiceStore(f"sqlite:///{home}/service.db") as service:
        (kept,) = KeyStore(service).all()
    assert kept.key_id == found[0]
    assert is_secret(found[1], kept.secret_hash)
    assert kept.expires_at is not None
    assert timedelta(0) <= kept.expires_at - kept.created_at - timedelta(days=90) < timedelta(1)
    assert kept.prefix in err
    for shown in (err, keys("list")[1], keys("list", "--json")[1]):
        assert found[1].decode() not in shown
        assert kept.secret_hash not in shown


def test_a_second_key_of_one_name_is_made_and_the_first_is_named(keys: Keys) -> None:
    def create() -> tuple[str, str]:
        code, out, err = keys("create", " crm", "--scope", "scores:read")
        assert code == 0
        return out.strip()[:11], err

    first, said = create()
    assert "warning" not in said
    second, said = create()
    assert said.startswith(
        f"warning: {first} has the same name and opens too; to end it: keepwell keys revoke {first}"
    )
    assert said.count("warning") == 1
    for prefix in (first, second):
        keys("revoke", prefix)
    assert "warning" not in create()[1]


def test_the_filter_and_scopes_are_what_the_options_say(keys: Keys) -> None:
    options = ["--scope", "scores:read", "--scope", "people:read", "--filter", "segment=smb"]
    options += ["--filter", "segment=mid", "--filter", "owner=Ann Lee", "--json"]
    code, out, _ = keys("create", "crm", *options)
    made = json.loads(out)
    assert code == 0
    assert made["scopes"] == ["scores:read", "people:read"]
    assert made["row_filter"] == {"segment": ["mid", "smb"], "owner": ["Ann Lee"]}
    assert made["status"] == "active"
    assert made["token"].startswith(made["prefix"] + "_")
    listed = json.loads(keys("list", "--json")[1])["keys"]
    assert listed == [{name: value for name, value in made.items() if name != "token"}]


def test_list_shows_every_key_and_how_it_stands(keys: Keys, home: Path) -> None:
    assert keys("list")[1].startswith("no keys")
    ids = [
        json.loads(keys("create", name, "--scope", "scores:read", "--json")[1])["key_id"]
        for name in ("crm", "page")
    ]
    keys("revoke", ids[0])
    with ServiceStore(f"sqlite:///{home}/service.db") as service:
        KeyStore(service).note_use({ids[1]: datetime(2026, 11, 26, 12, 30, tzinfo=UTC)})
    code, out, _ = keys("list")
    first, second = out.splitlines()
    assert code == 0
    assert first.split() == [
        f"kw_{ids[0]}", "crm", "revoked", "scores:read", "all", "accounts", "never", "used"
    ]  # fmt: skip
    assert second.endswith("all accounts  last used 2026-11-26 12:30 UTC")


def test_rotate_prints_a_new_token_and_when_the_old_one_ends(keys: Keys) -> None:
    old = json.loads(keys("create", "crm", "--scope", "scores:read", "--json")[1])
    code, out, err = keys("rotate", old["key_id"], "--overlap", "24h")
    assert code == 0
    assert read_token(out.strip().encode()) is not None
    assert f"{old['prefix']} opens until " in err
    code, out, _ = keys("rotate", out.strip(), "--json")  # a token names its key as well
    new = json.loads(out)
    assert code == 0
    assert new["name"] == "crm"
    assert new["replaces"]["replaced_by"] == new["prefix"]
    assert [key["status"] for key in json.loads(keys("list", "--json")[1])["keys"]] == [
        "active"
    ] * 3


def test_revoke_by_a_token_that_leaked_ends_its_key(keys: Keys) -> None:
    token = keys("create", "crm", "--scope", "admin")[1].strip()
    code, out, err = keys("revoke", token)
    assert code == 0
    assert out == f"{token[:11]} (crm) is revoked: it opens nothing within 5 seconds\n"
    assert token[-43:] not in out + err


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_made(
    keys: Keys, home: Path
) -> None:
    options = ["--scope", "all", "--filter", "name=x", "--filter", "owner", "--expires-in", "soon"]
    code, out, err = keys("create", " ", *options)
    assert code == 2
    assert out == ""
    assert [line.partition(":")[2].split(":")[0].strip() for line in err.splitlines()] == [
        "--filter", "--filter", "--expires-in", "NAME", "--scope"
    ]  # fmt: skip
    assert not (home / "service.db").exists()


def test_admin_with_a_filter_is_refused(keys: Keys) -> None:
    code, _, err = keys("create", "ops", "--scope", "admin", "--filter", "segment=smb")
    assert code == 2
    assert err == (
        "error: --filter: admin sees every account and takes no row filter; leave the filter "
        "out, or the scope admin\n"
    )


@pytest.mark.parametrize("text", ["0d", "-1d", "90", "d", "1y", "99999d", "1.5d", "\uff19d"])
def test_what_is_no_length_of_time_is_refused(keys: Keys, text: str) -> None:
    code, _, err = keys("create", "crm", "--scope", "scores:read", f"--expires-in={text}")
    assert code == 2
    assert "error: --expires-in: " in err


def test_a_key_that_is_not_there_is_bad_input(keys: Keys) -> None:
    for command in ("revoke", "rotate"):
        code, _, err = keys(command, "kw_0123abcz")
        assert code == 2
        assert "there is no key 0123abcz" in err


def test_no_secret_is_ever_logged(keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = keys("create", "crm", "--scope", "scores:read")[1].strip()
        new = keys("rotate", token)[1].strip()
    assert token[-43:] not in caplog.text
    assert new[-43:] not in caplog.text


def test_the_store_is_the_one_that_the_environment_names(
    keys: Keys, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/elsewhere/keys.db"
    monkeypatch.setenv("KEEPWELL_SERVICE_STORE", url)
    keys("create", "crm", "--scope", "scores:read", "--filter", "region=emea")
    assert not (home / "service.db").exists()
    with ServiceStore(url) as service:
        (kept,) = KeyStore(service).all()
    assert kept.row_filter == RowFilter({"region": ["emea"]})
