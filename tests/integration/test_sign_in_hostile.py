"""What others cannot do with sign-in: foreign forms, forged cookies, redirects elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from features.errors import TransientError
from serving.form import MOST_BYTES
from tests.integration.browser import FORM, SITE, Browser, hidden
from tests.integration.client import ask, problem
from tests.integration.sign_in_world import COOKIE, World, opened, signed_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        yield made


# Forms that no page of this service sent.


FOREIGN: list[dict[str, str]] = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://keepwell.example.com"},
    {"Origin": "https://keepwell.example.com:8443"},
    {"Origin": "https://keepwell.example.com.evil.example"},
    {"Origin": "https://evil.keepwell.example.com"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin, same-origin"},
    {"Origin": "", "Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": ""},
]


def test_a_form_of_another_site_is_refused_also_with_the_right_token(world: World) -> None:
    key = world.key()
    browser, stranger = signed_in(world, key), Browser(world.app)
    fields = {"form_token": browser.token(), "said": "hello"}
    assert browser.post("/probe", fields).json()["said"] == "hello"
    for headers in FOREIGN:
        assert browser.post("/probe", fields, **headers).status_code == 403, headers
        assert browser.post("/sign-out", fields, **headers).status_code == 403, headers
        assert stranger.sign_in(key, **headers).status_code == 403, headers  # as somebody else
    assert browser.get("/probe").status_code == 200
    assert COOKIE not in stranger.cookies


def test_signing_in_by_plain_http_is_told_to_take_https(world: World) -> None:
    key = world.key()
    browser = Browser(world.app)
    fields = {**hidden(browser.get("/sign-in")), "key": key}
    answer = browser.post("/sign-in", fields, Origin="http://keepwell.example.com")
    assert answer.status_code == 403
    assert "https" in answer.text
    assert COOKIE not in browser.cookies


def test_styles_are_there_while_the_store_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.key()
    sessions = world.app.guards.sessions
    assert sessions is not None

    def fail(_name: str) -> None:
        raise TransientError("away")

    monkeypatch.setattr(sessions._store, "find", fail)  # noqa: SLF001
    stranger = Browser(world.app)
    cookie = f"{COOKIE}={'A' * 43}"
    assert stranger.get("/static/none.css", Cookie=cookie).status_code == 404
    away = stranger.get("/probe", Cookie=cookie)
    assert away.status_code == 503
    assert "cannot answer right now" in away.text


def test_old_browsers_that_say_one_of_both_are_taken(world: World) -> None:
    browser = signed_in(world)
    fields = {"form_token": browser.token(), "said": "hello"}
    assert browser.post("/probe", fields, **{"Sec-Fetch-Site": ""}).status_code == 200
    assert browser.post("/probe", fields, Origin="").status_code == 200


def test_a_form_needs_the_token_of_its_own_session(world: World) -> None:
    mine, other = signed_in(world), signed_in(world)
    token = mine.token()
    assert token != mine.token()  # anew in every page
    assert mine.post("/probe", {"form_token": token}).status_code == 200
    wrong = [
        {},
        {"form_token": ""},
        {"form_token": "x"},
        {"form_token": "ä" * 96},
        {"form_token": other.token()},
        {"form_token": token[:-1] + ("0" if token[-1] != "0" else "1")},
        {"form_token": token[32:] + token[:32]},
        {"form_token": token + "0"},
        {"form_token": hidden(Browser(world.app).get("/sign-in"))["form_token"]},
    ]
    for fields in wrong:
        answer = mine.post("/probe", fields)
        assert answer.status_code == 403, fields
        assert "The form could not be taken" in answer.text
    again = signed_in(world)
    again.cookies = {COOKIE: other.cookies[COOKIE]}
    assert again.post("/probe", {"form_token": token}).status_code == 403


def test_the_form_to_sign_in_needs_the_cookie_of_its_browser(world: World) -> None:
    key = world.key()
    attacker = Browser(world.app)
    fields = hidden(attacker.get("/sign-in"))
    victim = Browser(world.app)
    assert victim.post("/sign-in", {**fields, "key": key}).status_code == 403
    victim.get("/sign-in")
    assert victim.post("/sign-in", {**fields, "key": key}).status_code == 403
    assert COOKIE not in victim.cookies


FORMS = [
    ("text/plain", b"form_token={token}", 400),
    ("application/json", b'{"form_token": "{token}"}', 400),
    ("multipart/form-data; boundary=x", b"--x\r\n\r\n{token}\r\n--x--", 400),
    ("", b"form_token={token}", 400),
    (FORM + "x", b"form_token={token}", 400),
    (FORM + "; charset=utf-8", b"form_token={token}", 200),
    (FORM.upper(), b"form_token={token}", 200),
    (FORM, b"form_token={token}&form_token={token}", 400),
    (FORM, b"form_token={token}&said=%FF%FE", 400),
    (FORM, b"form_token={token}&said=%00", 400),
    (FORM, b"form_token={token}&said=\xc3\xa4", 400),
    (FORM, b"form_token={token}&said", 400),
    (FORM, b"form_token={token}&" + b"&".join(b"f%d=1" % one for one in range(60)), 400),
    (FORM, b"form_token={token}&said=" + b"a" * MOST_BYTES, 413),
    (FORM, b"form_token={token}&said=" + b"a" * 900_000, 413),
    (FORM, b"a" * 1_100_000, 413),
    (FORM, b"", 403),
    (FORM, b"&&&", 400),
]


def test_a_form_is_read_within_bounds(world: World) -> None:
    browser = signed_in(world)
    for content_type, body, status in FORMS:
        filled = body.replace(b"{token}", browser.token().encode())
        own = {"Origin": SITE, "Content-Type": content_type, "Accept": "text/html"}
        answer = browser.send("POST", "/probe", own, filled)
        assert answer.status_code == status, (content_type, body[:100])


# What a cookie opens, and what not.


FORGED = [
    "", "x", "A" * 43, "A" * 42, "A" * 44, "A" * 5000, "../../etc/passwd", "%00" * 14 + "A",
    '"' + "A" * 43 + '"', "%C3%A9" * 20, "null", "' OR '1'='1",
]  # fmt: skip


def test_a_forged_cookie_opens_nothing(world: World) -> None:
    world.key()
    browser = Browser(world.app)
    for value in FORGED:
        for path in ("/probe", "/docs", "/openapi.json", "/nowhere"):
            assert browser.get(path, Cookie=f"{COOKIE}={value}").status_code == 303, (path, value)


def test_two_cookies_of_the_name_open_nothing(world: World) -> None:
    browser = signed_in(world)
    line = f"{COOKIE}={browser.cookies[COOKIE]}"
    assert browser.get("/probe", Cookie=f"a=b; {line}; c").status_code == 200
    assert browser.get("/probe", Cookie=f"{line}; {COOKIE}={'A' * 43}").status_code == 303
    assert browser.get("/probe", Cookie=f"{line}; {line}").status_code == 303
    hash_of_it = world.sessions.all()[0].session_hash
    assert browser.get("/probe", Cookie=f"{COOKIE}={hash_of_it}").status_code == 303


def test_made_up_cookies_do_not_keep_the_store_busy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.key()
    asked: list[str] = []
    sessions = world.app.guards.sessions
    assert sessions is not None
    monkeypatch.setattr(sessions._store, "find", asked.append)  # noqa: SLF001
    monkeypatch.setattr(sessions, "_clock", lambda: 1000.5)
    browser = Browser(world.app)
    for number in range(60):
        browser.cookies = {COOKIE: f"{number:043d}"}
        assert browser.get("/probe").status_code == 303
    assert len(asked) == 20


def test_the_api_takes_no_cookie_and_the_pages_take_no_key(world: World) -> None:
    key = world.key("scores:read", "admin")
    browser = signed_in(world, key)
    for path in ("/v1/accounts", "/v1/accounts/A1/risk", "/v1/webhooks", "/v1/x", "/metrics"):
        answer = browser.get(path)
        problem(answer, 401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert browser.get(path, Authorization=f"Bearer {key}").status_code in (200, 404)
    answer = browser.post("/v1/webhooks", {"form_token": browser.token()})
    problem(answer, 401, "unauthorized")
    bearer = {"Authorization": f"Bearer {key}"}
    problem(ask(world.app, "/probe", headers=bearer), 401, "unauthorized")
    assert Browser(world.app).get("/probe", **bearer).status_code == 303
    # A browser that a proxy makes send a password of its own is still signed in.
    assert browser.get("/probe", Authorization="Basic dTpw").status_code == 200


def test_the_description_opens_for_a_session_and_for_a_key(world: World) -> None:
    key = world.key()
    browser = signed_in(world, key)
    for path in ("/docs", "/openapi.json"):
        assert browser.get(path).status_code == 200
        assert ask(world.app, path, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        problem(ask(world.app, path), 401, "unauthorized")
        assert Browser(world.app).get(path).headers["location"] == f"/sign-in?next={path}"


def test_probes_answer_whatever_cookie_comes(world: World) -> None:
    world.key()
    for path in ("/livez", "/readyz"):
        assert Browser(world.app).get(path, Cookie=f"{COOKIE}={'A' * 43}").status_code == 200


OPEN_REDIRECTS = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example",
    "\\/evil.example", "/%5Cevil.example", "/%2Fevil.example", "/%2F%2Fevil.example",
    "/.//evil.example", "/..//evil.example", "/a/../..//evil.example", "/%2e%2e/x",
    "javascript:alert(1)", "data:text/html,x", "evil.example", "", " /probe", "/ /evil.example",
    "/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:%20a=b",
    "/\x01", "/probe#x", "/\u00e9", "/x" * 2000, "/v1/accounts", "/v1", "/metrics", "/sign-in",
    "/sign-out", "/sign-in?next=/sign-in", "/livez", "/static/x", "?x", "/@evil.example//",
]  # fmt: skip


def test_nobody_is_sent_elsewhere_after_signing_in(world: World) -> None:
    key = world.key()
    for number, goal in enumerate(OPEN_REDIRECTS):
        browser = Browser(world.app, peer=f"192.0.2.{number}")
        fields = hidden(browser.get("/sign-in"))
        sent = browser.post("/sign-in", {**fields, "next": goal, "key": key})
        assert (sent.status_code, sent.headers["location"]) == (303, "/"), goal
        known = browser.get(f"/sign-in?{urlencode({'next': goal})}")
        assert (known.status_code, known.headers["location"]) == (303, "/"), goal
