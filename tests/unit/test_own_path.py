"""Where a browser may be sent after it signed in: what is our own page goes through unchanged."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.own_path import LONGEST, own_path, sign_in_path

OWN = (
    "/", "/accounts/A17", "/accounts/A%2017", "/accounts/%E4%BC%9A", "/?owner=me&sort=-arr",
    "/accounts/x@y.example", "/docs", "/openapi.json", "/model?next=//evil.example", "/a/b/",
)  # fmt: skip


@pytest.mark.parametrize("path", OWN)
def test_a_page_of_ours_is_kept_as_it_is(path: str) -> None:
    assert own_path(path) == path


@given(st.text(max_size=40) | st.text(alphabet="/\\.:%2eFf@?#ax\t\r\n ", max_size=12))
def test_whatever_comes_leads_to_this_host(wanted: str) -> None:
    path = own_path(wanted)
    there = urlsplit("https://keepwell.example.com")._replace(path="").geturl() + path
    assert urlsplit(there).netloc == "keepwell.example.com"
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path
    assert "\\" not in path


def test_the_longest_path_is_bounded() -> None:
    assert own_path("/" + "a" * (LONGEST - 1)) != "/"
    assert own_path("/" + "a" * LONGEST) == "/"


@pytest.mark.parametrize(
    ("method", "raw", "query", "expected"),
    [
        ("GET", b"/a/A%20b", b"x=1&y=%C3%A4", "/sign-in?next=/a/A%2520b%3Fx%3D1%26y%3D%25C3%25A4"),
        ("HEAD", b"/model", b"", "/sign-in?next=/model"),
        ("POST", b"/accounts/A1/feedback", b"", "/sign-in"),
        ("GET", b"/", b"", "/sign-in"),
        ("GET", b"//evil.example", b"", "/sign-in"),
        ("GET", b"/x\xff", b"", "/sign-in"),
    ],
)  # fmt: skip
def test_signing_in_leads_back_to_what_was_asked(
    method: str, raw: bytes, query: bytes, expected: str
) -> None:
    scope = {"method": method, "raw_path": raw, "path": "/", "query_string": query}
    assert sign_in_path(scope) == expected


def test_a_server_that_tells_no_raw_path_is_enough() -> None:
    scope = {"method": "GET", "path": "/accounts/ä", "query_string": b""}
    assert sign_in_path(scope) == "/sign-in?next=/accounts/%25C3%25A4"
