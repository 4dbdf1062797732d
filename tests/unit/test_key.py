"""Keys: what a token looks like, what is kept of it, and what is refused."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

import pytest

from features.errors import InputError
from models.key import (
    SCOPES,
    Key,
    is_secret,
    make_key,
    read_key_id,
    read_token,
    succeed_key,
)
from models.row_filter import EVERYTHING, RowFilter

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
GOOD = b"kw_0123abcz_" + b"A-_z" * 10 + b"abc"


def test_a_token_names_its_key_and_its_secret_is_kept_as_a_hash_alone() -> None:
    new = make_key("crm", ["scores:read"], now=NOW)
    assert re.fullmatch(r"kw_[0-9a-z]{8}_[A-Za-z0-9_-]{43}", new.token)
    assert new.token.startswith(f"{new.key.prefix}_")
    found = read_token(new.token.encode())
    assert found is not None
    key_id, secret = found
    assert key_id == new.key.key_id
    assert new.key.secret_hash == hashlib.sha256(secret).hexdigest()
    assert is_secret(secret, new.key.secret_hash)
    assert not is_secret(secret[:-1] + b"~", new.key.secret_hash)


def test_what_is_printed_of_a_key_shows_neither_token_nor_hash() -> None:
    new = make_key("crm", ["scores:read"], now=NOW)
    secret = new.token.removeprefix(new.key.prefix)
    for text in (repr(new), str(new), repr(new.key), str(new.key.to_json(NOW))):
        assert secret not in text
        assert new.key.secret_hash not in text


def test_no_two_keys_are_alike() -> None:
    made = [make_key("crm", ["admin"], now=NOW) for _ in range(50)]
    assert len({new.key.key_id for new in made}) == 50
    assert len({new.token[-43:] for new in made}) == 50


def test_secrets_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[object, object]] = []
    real = hmac.compare_digest

    def watch(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watch)
    kept = hashlib.sha256(b"secret").hexdigest()
    assert is_secret(b"secret", kept)
    assert not is_secret(b"other", kept)
    assert compared == [(kept, kept), (hashlib.sha256(b"other").hexdigest(), kept)]


def test_a_good_token_is_read() -> None:
    assert read_token(GOOD) == ("0123abcz", GOOD[-43:])


@pytest.mark.parametrize(
    "token",
    [
        b"",
        b"kw_",
        b"kw__",
        GOOD[:-1],
        GOOD + b"A",
        GOOD + b"\n",
        b" " + GOOD,
        GOOD.upper(),
        GOOD.replace(b"kw_", b"sk_"),
        GOOD.replace(b"0123abcz", b"0123abc"),
        GOOD.replace(b"0123abcz", b"0123abcl"),
        GOOD.replace(b"0123abcz", b"0123ABCZ"),
        GOOD[:-1] + b"=",
        GOOD[:-1] + b"\x00",
        GOOD[:-1] + b"\xff",
        GOOD[:-2] + "é".encode(),
        "kw_٠١٢٣٤٥٦٧_".encode() + GOOD[-43:],
        b"'; DROP TABLE api_key; --",
        b"k" * 1_000_000,
        b"kw_0123abcz_" * 100_000,
    ],
)
def test_whatever_else_is_no_token(token: bytes) -> None:
    assert read_token(token) is None


@pytest.mark.parametrize("text", ["0123abcz", "kw_0123abcz", " kw_0123abcz\n", GOOD.decode()])
def test_people_name_a_key_by_its_id_its_prefix_or_its_token(text: str) -> None:
    assert read_key_id(text) == "0123abcz"


@pytest.mark.parametrize("text", ["", "crm", GOOD.decode() + "x", "kw_0123abcz_secret"])
def test_what_names_no_key_is_not_repeated(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_key_id(text)
    assert "keepwell keys list" in str(caught.value)
    assert not text or text not in str(caught.value)


def test_admin_with_a_row_filter_is_refused() -> None:
    books = RowFilter({"segment": ["smb"]})
    with pytest.raises(InputError, match=r"^keys\.filter: admin sees every account"):
        make_key("x", ["admin", "scores:read"], books, now=NOW)
    assert make_key("x", ["scores:read"], books, now=NOW).key.row_filter == books
    assert make_key("x", ["admin"], now=NOW).key.row_filter == EVERYTHING


def test_everything_that_is_wrong_with_a_key_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        make_key(" ", ["scores:write", "admin"], RowFilter({"owner": ["x"]}), now=NOW,
                 expires_at=NOW)  # fmt: skip
    columns = [problem.column for problem in caught.value.problems]
    assert columns == ["name", "scope", "filter", "expires_at"]
    assert all(problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize("name", ["", "\t", "x" * 101, "a\nb", "a\x1b[31mb", "a\u202eb", "\ud800"])
def test_a_name_that_could_spoil_a_log_or_a_terminal_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^keys\.name"):
        make_key(name, ["scores:read"], now=NOW)


def test_a_key_needs_a_scope() -> None:
    with pytest.raises(InputError, match=r"^keys\.scope: has no scope; give some of scores:read"):
        make_key("x", [], now=NOW)


def test_a_key_is_active_until_its_end_and_not_on_it() -> None:
    key = make_key("x", SCOPES, now=NOW, expires_at=NOW + DAY).key
    assert key.status(NOW + DAY - timedelta(microseconds=1)) == "active"
    assert key.status(NOW + DAY) == "expired"
    assert make_key("x", SCOPES, now=NOW).key.status(NOW + 9000 * DAY) == "active"


def over(**changes: object) -> Key:
    key = make_key("x", SCOPES, now=NOW, expires_at=NOW + 30 * DAY).key
    fields = {name: getattr(key, name) for name in Key.__dataclass_fields__}
    return Key(**{**fields, **changes})


def test_a_revoked_key_is_revoked_also_after_its_end() -> None:
    assert over(revoked_at=NOW).status(NOW + 99 * DAY) == "revoked"


def test_a_successor_is_the_same_but_for_its_secret_and_lives_as_long() -> None:
    old = over()
    new, end = succeed_key(old, now=NOW + 10 * DAY, overlap=7 * DAY)
    assert (new.key.name, new.key.scopes, new.key.row_filter) == (
        old.name, old.scopes, old.row_filter
    )  # fmt: skip
    assert new.key.key_id != old.key_id
    assert new.key.secret_hash != old.secret_hash
    assert new.key.expires_at == NOW + 40 * DAY
    assert end == NOW + 17 * DAY


def test_an_overlap_never_makes_an_old_key_live_longer() -> None:
    _, end = succeed_key(over(), now=NOW + 29 * DAY, overlap=7 * DAY)
    assert end == NOW + 30 * DAY


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"revoked_at": NOW}, "is revoked and cannot be rotated"),
        ({"expires_at": NOW}, "is expired and cannot be rotated"),
        ({"replaced_by": "0123abcz"}, "was replaced by kw_0123abcz already; rotate that one"),
    ],
)
def test_a_key_that_is_over_has_no_successor(changes: dict[str, object], told: str) -> None:
    with pytest.raises(InputError, match=told):
        succeed_key(over(**changes), now=NOW + DAY, overlap=DAY)
