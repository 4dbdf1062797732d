"""Signing in with a key: what it opens, and what ends it."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.key_store import KeyStore
from models.service_store import ServiceStore
from serving.journal import RequestLog
from serving.page_policy import POLICY
from serving.settings import Settings
from serving.sign_in_limit import OF_ADDRESS, OF_ALL
from tests.integration.browser import HERE, Browser, add_probe, hidden
from tests.integration.client import ask, problem, serve
from tests.integration.sign_in_world import COOKIE, World, opened, signed_in


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        yield made


def test_a_key_opens_the_pages_with_its_scopes_and_its_row_filter(world: World) -> None:
    key = world.key("scores:read", "people:read", of={"segment": ["smb"]})
    browser = Browser(world.app)
    sent = browser.get("/probe?a=1&b=%C3%A4")
    assert (sent.status_code, sent.headers["location"]) == (
        303,
        "/sign-in?next=/probe%3Fa%3D1%26b%3D%25C3%25A4",
    )
    page = browser.get(sent.headers["location"])
    assert hidden(page)["next"] == "/probe?a=1&b=%C3%A4"
    opened = browser.post("/sign-in", {**hidden(page), "key": f" {key}\n"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/probe?a=1&b=%C3%A4")
    assert set(browser.cookies) == {COOKIE}
    told = browser.get("/probe").text
    assert f"'id': '{key[3:11]}'" in told
    assert "'scopes': ['people:read', 'scores:read']" in told
    assert "'row_filter': {'segment': ['smb']}" in told
    assert "'way': 'session'" in told
    assert world.figure("ok") == 1


def test_of_a_session_only_the_hash_is_kept_and_nothing_of_it_is_logged(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[bytes] = []
    world.app.guards.log._write = lines.append  # noqa: SLF001
    key = world.key()
    with caplog.at_level(logging.DEBUG):
        browser = signed_in(world, key)
        browser.get("/probe")
        browser.post("/probe", {"form_token": browser.token(), "said": "hush-hush"})
        asyncio.run(_flush(world.app.guards.log))
    secret = browser.cookies[COOKIE]
    (kept,) = world.sessions.all()
    assert kept.key_id == key[3:11]
    assert len(secret) == 43
    logged = "".join(one.getMessage() for one in caplog.records if one.name != "httpx")
    told = b"".join(lines).decode() + logged + repr(kept)
    assert '"route": "/sign-in"' in told
    assert f'"key": "{kept.key_id}"' in told
    for hidden_text in (secret, key[-43:], kept.session_hash, "hush-hush", "next="):
        assert hidden_text not in told
    for path in tmp_path.glob("service.db*"):
        content = path.read_bytes()
        assert secret.encode() not in content
        assert key[-43:].encode() not in content


async def _flush(log: RequestLog) -> None:
    log.flush()


def test_on_this_machine_the_cookie_goes_without_https(world: World) -> None:
    browser = signed_in(world, site=HERE)
    assert set(browser.cookies) == {"keepwell"}
    assert browser.get("/probe").status_code == 200
    # Under another name of the service a cookie without the prefix is nothing.
    other = Browser(world.app)
    other.cookies = dict(browser.cookies)
    assert other.get("/probe").status_code == 303


def test_every_sign_in_gives_a_new_session_and_ends_the_one_before(world: World) -> None:
    browser = signed_in(world)
    first = browser.cookies[COOKIE]
    page = browser.get("/sign-in")
    assert (page.status_code, page.headers["location"]) == (303, "/")
    token = browser.token()
    again = browser.post("/sign-in", {"form_token": token, "key": world.key()})
    assert again.status_code == 303
    assert browser.cookies[COOKIE] != first
    assert len(world.sessions.all()) == 1
    old = Browser(world.app)
    old.cookies = {COOKIE: first}
    assert old.get("/probe").status_code == 303


def test_a_session_that_was_planted_before_is_not_taken_over(world: World) -> None:
    planted = "A" * 43
    browser = Browser(world.app)
    browser.cookies = {COOKIE: planted}
    assert browser.sign_in(world.key()).status_code == 303
    assert browser.cookies[COOKIE] != planted
    thief = Browser(world.app)
    thief.cookies = {COOKIE: planted}
    assert thief.get("/probe").status_code == 303


def test_signing_out_ends_the_session_here_and_in_other_processes(world: World) -> None:
    browser = signed_in(world)
    other = Browser(world.start())
    other.cookies = dict(browser.cookies)
    assert other.get("/probe").status_code == 200
    stolen = dict(browser.cookies)
    gone = browser.post("/sign-out", {"form_token": browser.token()})
    assert (gone.status_code, gone.headers["location"]) == (303, "/sign-in")
    assert browser.cookies == {}
    assert world.sessions.all() == []
    browser.cookies = stolen
    assert browser.get("/probe").status_code == 303
    world.refresh()
    assert other.get("/probe").status_code == 303


def test_signing_out_needs_a_form_of_the_session(world: World) -> None:
    browser = signed_in(world)
    assert browser.get("/sign-out").status_code == 405
    assert browser.post("/sign-out", {}).status_code == 403
    assert browser.get("/probe").status_code == 200


def test_a_session_that_began_in_another_process_opens_at_once(world: World) -> None:
    key = world.key()
    other = world.start()
    browser = signed_in(world, key)
    browser.app = other
    assert browser.get("/probe").status_code == 200


def test_a_key_that_is_revoked_or_expires_ends_its_sessions(world: World) -> None:
    key = world.key()
    browser = signed_in(world, key)
    world.keys.revoke(key[3:11], now=datetime.now(UTC))
    world.refresh()
    assert browser.get("/probe").status_code == 303
    short = world.key(lasts=timedelta(seconds=0.4))
    browser = Browser(world.app)
    assert browser.sign_in(short).status_code == 303
    end = datetime.now(UTC) + timedelta(seconds=10)
    while browser.get("/probe").status_code == 200:
        assert datetime.now(UTC) < end


NO_KEYS = [
    "", "kw_", "kw_00000000_" + "a" * 43, "Bearer kw_00000000_" + "a" * 43, "\u00e4" * 60, "\r\n",
    "x" * 5000, "' OR 1=1 --", "kw_\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667_" + "a" * 43,
]  # fmt: skip


def test_what_is_no_key_opens_nothing_and_is_not_repeated(world: World) -> None:
    world.key()
    for key in NO_KEYS:
        browser = Browser(world.app)
        refused = browser.sign_in(key, "/probe")
        assert refused.status_code == 403
        assert "opens nothing here" in refused.text
        assert len(key) < 5 or key not in refused.text
        assert hidden_of(refused.text) == {"form_token", "next"}
        assert COOKIE not in browser.cookies
    assert world.figure("refused") == len(NO_KEYS)


def hidden_of(text: str) -> set[str]:
    return {part.partition('"')[0] for part in text.split('type="hidden" name="')[1:]}


def test_a_key_that_is_over_is_refused_like_one_that_never_was(world: World) -> None:
    live = world.key()
    dead = world.key()
    world.keys.revoke(dead[3:11], now=datetime.now(UTC))
    world.refresh()
    pages = set()
    for key in (dead, live[:-1] + ("A" if live[-1] != "A" else "B"), "kw_0000zzzz_" + "a" * 43):
        answer = Browser(world.app).sign_in(key)
        assert answer.status_code == 403
        pages.add(answer.text.replace(hidden_value(answer.text), ""))
    assert len(pages) == 1


def hidden_value(text: str) -> str:
    return text.partition('name="form_token" value="')[2].partition('"')[0]


def test_a_key_without_the_scope_of_pages_is_told_so(world: World) -> None:
    browser = Browser(world.app)
    refused = browser.sign_in(world.key("feedback:write", "people:read"))
    assert refused.status_code == 403
    assert "scores:read" in refused.text
    assert COOKIE not in browser.cookies


def test_attempts_are_counted_by_address_and_all_together(world: World) -> None:
    key = world.key()
    for number in range(OF_ADDRESS.quota):
        assert Browser(world.app, peer="192.0.2.1").sign_in("wrong").status_code == 403, number
    limited = Browser(world.app, peer="192.0.2.1").sign_in(key)
    assert limited.status_code == 429
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert "Too many attempts" in limited.text
    # What a stranger says of the way it came changes nothing.
    forged = {"X-Forwarded-For": "198.51.100.7"}
    assert Browser(world.app, peer="192.0.2.1", always=forged).sign_in(key).status_code == 429
    assert Browser(world.app, peer="192.0.2.2").sign_in(key).status_code == 303
    # Of IPv6 a household has a network.
    for number in range(OF_ADDRESS.quota):
        browser = Browser(world.app, peer=f"2001:db8::{number:x}")
        assert browser.sign_in("wrong").status_code == 403
    assert Browser(world.app, peer="2001:db8::ffff").sign_in(key).status_code == 429
    for number in range(OF_ALL.quota):
        Browser(world.app, peer=f"203.0.113.{number}").sign_in("wrong")
    assert Browser(world.app, peer="198.51.100.200").sign_in(key).status_code == 429
    assert world.figure("limited") >= 4


# What pages say, and may.


def test_answers_for_people_are_kept_by_nobody_and_bring_a_strict_policy(world: World) -> None:
    browser = signed_in(world)
    answers = [browser.get("/probe"), browser.get("/nowhere"), Browser(world.app).get("/sign-in"),
               Browser(world.app).get("/probe"), Browser(world.app).sign_in("wrong"),
               browser.post("/probe", {}), browser.get("/openapi.json")]  # fmt: skip
    for answer in answers:
        head = answer.headers
        assert head.get_list("cache-control") == ["private, no-store"]
        assert head.get_list("content-security-policy") == [POLICY.decode()]
        assert head["referrer-policy"] == "same-origin"
        assert head["cross-origin-opener-policy"] == "same-origin"
        assert head["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in POLICY.decode()
    assert "unsafe" not in POLICY.decode()
    docs = browser.get("/docs").headers
    (policy,) = docs.get_list("content-security-policy")  # of its own, with its style's hash
    assert "sha256-" in policy
    assert docs["cache-control"] == "private, no-store"
    api = ask(world.app, "/v1/accounts", headers={"Authorization": f"Bearer {world.key()}"})
    assert api.headers.get_list("cache-control") == ["private, no-cache"]
    assert "content-security-policy" not in api.headers


def test_faults_are_pages_for_browsers_and_documents_for_programs(world: World) -> None:
    browser = signed_in(world)
    lost = browser.get("/nowhere")
    assert lost.status_code == 404
    assert lost.headers["content-type"] == "text/html; charset=utf-8"
    assert "There is no such page" in lost.text
    assert lost.headers["x-request-id"] in lost.text
    problem(browser.send("GET", "/nowhere", {"Accept": "*/*"}), 404, "not-found")
    problem(browser.get("/v1/nowhere", Authorization=f"Bearer {world.key()}"), 404, "not-found")
    name = "<script>alert(1)</script>"
    assert "<script" not in browser.get(f"/{name}?next={name}").text


def test_whatever_a_page_raises_is_a_page_without_the_text_of_the_fault(world: World) -> None:
    async def fail() -> None:
        raise ValueError("Anna Nowak")

    world.app.router.add_api_route("/broken", fail, methods=["GET"])
    answer = signed_in(world).get("/broken")
    assert answer.status_code == 500
    assert "The service failed" in answer.text
    assert "Anna" not in answer.text


def test_a_key_that_is_used_up_and_a_store_that_is_away_are_told_as_pages(
    tmp_path: Path,
) -> None:
    url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    app = serve(url, service_store_url=service_url, rate="2/minute")
    add_probe(app)
    with ServiceStore(service_url) as service:
        token = KeyStore(service).create("x", ["scores:read"], now=datetime.now(UTC)).token
        assert app.guards.keys is not None
        away = Browser(app).sign_in(token)  # the keys were never read
        assert away.status_code == 503
        assert away.headers["retry-after"]
        assert "cannot answer right now" in away.text
        app.guards.keys.refresh()
        browser = Browser(app)
        assert browser.sign_in(token).status_code == 303
        codes = [browser.get("/probe").status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert "Too many requests" in browser.get("/probe").text
        assert Browser(app).get("/sign-in").status_code == 200
    app.close()


# Without keys.


def test_without_keys_pages_are_open_to_this_machine_and_their_forms_are_guarded(
    tmp_path: Path,
) -> None:
    url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    app = serve(url, service_store_url=service_url)
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    add_probe(app)
    browser = Browser(app, site=HERE)
    assert "'way': 'local'" in browser.get("/probe").text
    assert browser.get("/sign-in?next=/probe").headers["location"] == "/probe"
    token = browser.token()
    assert browser.post("/probe", {"form_token": token}).status_code == 200
    assert browser.post("/probe", {}).status_code == 403
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert browser.post("/probe", {"form_token": token}, **headers).status_code == 403
    assert Browser(app, site=HERE).post("/probe", {"form_token": token}).status_code == 403
    for path in ("/probe", "/sign-in", "/static/x.css"):
        assert Browser(app, site="http://evil.example").get(path).status_code == 400
        assert browser.get(path, **{"X-Forwarded-For": "192.0.2.1"}).status_code == 403
    assert not (tmp_path / "service.db").exists()
    app.close()


def test_settings_of_sessions_are_checked() -> None:
    for change in ({"session_idle_minutes": 0.5}, {"session_hours": 0.0}):
        with pytest.raises(Exception, match=next(iter(change))):
            Settings(store_url="sqlite:///x.db", **change)  # type: ignore[arg-type]  # a number


def test_no_answer_of_the_pages_holds_what_is_secret(world: World) -> None:
    key = world.key()
    browser = signed_in(world, key)
    secret = browser.cookies[COOKIE]
    for path in ("/probe", "/nowhere", "/docs", "/openapi.json"):
        answer = browser.get(path)
        told = json.dumps(dict(answer.headers)) + answer.text
        assert secret not in told
        assert key[-43:] not in told
