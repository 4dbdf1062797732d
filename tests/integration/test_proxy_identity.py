"""People whom a proxy names: only by its own connections, and with what the file says they may."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import InputError
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from serving.problem import RequestError
from serving.proxy import Proxy, person_id, read_proxy
from serving.sign_in_limit import OF_ADDRESS, find_address
from tests.integration.browser import HERE, Browser, add_probe
from tests.integration.client import ask_raw, problem, serve
from tests.integration.company import due, snapshot

PROXY, ELSEWHERE = "10.0.0.5", "10.0.1.5"
NAME = "X-Forwarded-Email"
ANNA, BORIS, CARLA = "anna@example.com", "boris@example.com", "carla@example.com"
PEOPLE = """
[people."anna@example.com"]
scopes = ["scores:read", "people:read", "feedback:write"]

[people."boris@example.com"]
scopes = ["scores:read"]
row_filter = {segment = ["smb"], region = ["emea", "apac"]}
"""
OTHERS = """
[others]
scopes = ["scores:read"]
row_filter = {segment = ["smb"]}
"""


def proxy(folder: Path, text: str = PEOPLE, **changes: str) -> Proxy | None:
    path = folder / "people.toml"
    path.write_text(text, encoding="utf-8")
    given = {
        "KEEPWELL_PROXY_HEADER": NAME,
        "KEEPWELL_PROXY_ADDRESSES": f"{PROXY}, 2001:db8::/64",
        "KEEPWELL_PROXY_PEOPLE": str(path),
    }
    return read_proxy({**given, **changes})


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Service]:
    yield from started(tmp_path, PEOPLE)


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Service]:
    yield from started(tmp_path, PEOPLE + OTHERS)


def started(folder: Path, text: str) -> Iterator[Service]:
    with SnapshotStore(f"sqlite:///{folder}/store.db") as store:
        store.publish(snapshot(due("A1", 0.5)))
    app = serve(
        f"sqlite:///{folder}/store.db",
        service_store_url=f"sqlite:///{folder}/service.db",
        proxy=proxy(folder, text),
    )
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    add_probe(app)
    yield app
    app.close()


def person(app: Service, name: str, *, peer: str = PROXY) -> Browser:
    return Browser(app, peer=peer, always={NAME: name})


def test_a_person_sees_what_the_file_says(app: Service) -> None:
    told = person(app, ANNA).get("/probe").text
    assert "'scopes': ['feedback:write', 'people:read', 'scores:read']" in told
    assert "'row_filter': {}" in told
    assert "'way': 'person'" in told
    told = person(app, BORIS, peer="2001:db8::7").get("/probe").text
    assert "'scopes': ['scores:read']" in told
    assert "'row_filter': {'segment': ['smb'], 'region': ['apac', 'emea']}" in told
    assert person(app, BORIS, peer="::ffff:10.0.0.5").get("/probe").status_code == 200


def test_a_person_is_known_by_an_id_and_never_by_name(app: Service) -> None:
    lines: list[bytes] = []
    app.guards.log._write = lines.append  # noqa: SLF001
    browser = person(app, ANNA)
    assert person_id(ANNA) in browser.get("/probe").text
    assert person_id(ANNA) != person_id(BORIS)
    browser.get("/nowhere")
    app.guards.log.flush()
    log = b"".join(lines)
    assert f'"key": "{person_id(ANNA)}"'.encode() in log
    assert b"anna" not in log
    assert ANNA not in repr(app.guards.settings)


@pytest.mark.parametrize("path", ["/probe", "/sign-in", "/docs", "/v1/accounts", "/livez", "/x"])
@pytest.mark.parametrize("peer", [ELSEWHERE, "127.0.0.1", "2001:db8:1::7", "", "/tmp/socket"])
def test_the_header_from_elsewhere_is_refused(app: Service, path: str, peer: str) -> None:
    forged = Browser(app, peer=peer, always={NAME: ANNA, "X-Forwarded-For": PROXY})
    assert forged.get(path).status_code == 403
    problem(forged.send("GET", path, {}), 403, "foreign-identity")


def test_whom_the_file_does_not_name_gets_nothing_unless_it_says_so(app: Service) -> None:
    for name in (CARLA, ANNA.upper(), "anna@example.co", "others", "people"):
        refused = person(app, name).get("/probe")
        assert refused.status_code == 403
        assert name not in refused.text
        problem(person(app, name).send("GET", "/probe", {}), 403, "unknown-person")


def test_others_get_what_the_file_gives_all_of_them(open_app: Service) -> None:
    told = person(open_app, CARLA).get("/probe").text
    assert "'row_filter': {'segment': ['smb']}" in told
    assert person_id(CARLA) in told
    assert "'row_filter': {}" in person(open_app, ANNA).get("/probe").text


def test_a_request_names_one_person_once(open_app: Service) -> None:
    long = "a" * 255
    for name in (f"{ANNA}, {BORIS}", f"{ANNA},", long):
        assert person(open_app, name).get("/probe").status_code == 400
    host = ("Host", "keepwell.example.com")
    for pair in (
        [(NAME, ANNA), (NAME, BORIS)],
        [(NAME, ANNA), (NAME.lower(), ANNA)],
        [(NAME, ""), (NAME, ANNA)],
    ):
        answer = ask_raw(open_app, "/probe", [host, *pair], peer=PROXY)
        problem(answer, 400, "bad-request")
    found = open_app.guards.settings.proxy
    assert found is not None
    for value in (b"", b"\xff", b" anna", b"a\x00b", b"a\tb", "a\u202eb".encode()):
        with pytest.raises(RequestError, match="bad-request"):
            found.find_person(PROXY, [(b"x-forwarded-email", value)])


def test_a_person_takes_no_part_in_the_api_and_the_api_takes_keys_as_before(
    app: Service, tmp_path: Path
) -> None:
    problem(person(app, ANNA).send("GET", "/v1/accounts", {}), 401, "unauthorized")
    problem(person(app, ANNA).send("GET", "/metrics", {}), 401, "unauthorized")
    with ServiceStore(f"sqlite:///{tmp_path}/service.db") as service:
        token = KeyStore(service).create("x", ["scores:read"], now=datetime.now(UTC)).token
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    bearer = {"Authorization": f"Bearer {token}"}
    assert person(app, ANNA).send("GET", "/v1/accounts", bearer).status_code == 200
    # The proxy's word comes first: neither a key nor a session changes who it is.
    assert person_id(BORIS) in person(app, BORIS).get("/probe", **bearer).text
    browser = Browser(app, peer=PROXY)
    assert browser.sign_in(token).status_code == 303
    assert token[3:11] in browser.get("/probe").text
    browser.always = {NAME: BORIS}
    assert person_id(BORIS) in browser.get("/probe").text


def test_forms_of_people_are_guarded_like_all_others(app: Service) -> None:
    browser = person(app, ANNA)
    token = browser.token()
    assert browser.post("/probe", {"form_token": token}).json()["id"] == person_id(ANNA)
    assert browser.post("/probe", {}).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    assert browser.post("/probe", {"form_token": token}, **foreign).status_code == 403
    assert person(app, BORIS).post("/probe", {"form_token": token}).status_code == 403
    assert browser.get("/sign-in?next=/probe").headers["location"] == "/probe"
    out = browser.post("/sign-out", {"form_token": token})
    assert (out.status_code, out.headers["location"]) == (303, "/")


def test_where_a_proxy_names_people_nobody_is_let_in_as_this_machine(app: Service) -> None:
    assert app.guards.keys is not None
    assert not app.guards.keys.has_keys
    for peer in (PROXY, "127.0.0.1"):
        browser = Browser(app, site=HERE, peer=peer)
        assert browser.get("/probe").headers["location"] == "/sign-in?next=/probe"
        problem(browser.send("GET", "/v1/accounts", {}), 401, "unauthorized")


def test_a_service_without_a_proxy_takes_no_header_for_a_person(tmp_path: Path) -> None:
    app = serve(
        f"sqlite:///{tmp_path}/store.db", service_store_url=f"sqlite:///{tmp_path}/service.db"
    )
    with ServiceStore(f"sqlite:///{tmp_path}/service.db") as service:
        KeyStore(service).create("x", ["scores:read"], now=datetime.now(UTC))
    assert app.guards.keys is not None
    app.guards.keys.refresh()
    add_probe(app)
    for name in (NAME, "X-Forwarded-User", "Remote-User", "X-Auth-Request-Email"):
        browser = Browser(app, peer=PROXY, always={name: ANNA})
        assert browser.get("/probe").status_code == 303
    app.close()


def test_the_proxy_says_for_whom_it_speaks_when_attempts_are_counted(app: Service) -> None:
    found = app.guards.settings.proxy
    assert found is not None
    said = [(b"x-forwarded-for", b"192.0.2.9, 198.51.100.7")]
    assert find_address(found, PROXY, said) == "198.51.100.7"
    assert find_address(found, ELSEWHERE, said) == ELSEWHERE
    assert find_address(None, PROXY, said) == PROXY
    assert find_address(found, PROXY, [*said, (b"x-forwarded-for", b"192.0.2.1")]) == "192.0.2.1"
    assert find_address(found, PROXY, [(b"x-forwarded-for", b"\xff, x")]) == "unknown"
    assert find_address(None, None, []) == "unknown"
    for number in range(OF_ADDRESS.quota + 1):
        browser = Browser(app, peer=PROXY, always={"X-Forwarded-For": f"x, 192.0.2.{number}"})
        assert browser.sign_in("wrong").status_code == 403


# What the environment and the file say.


def test_without_settings_there_is_no_proxy_and_addresses_alone_name_nobody() -> None:
    assert read_proxy({}) is None
    assert read_proxy({"KEEPWELL_PROXY_HEADER": " "}) is None
    found = read_proxy({"KEEPWELL_PROXY_ADDRESSES": "10.0.0.0/24 ::1"})
    assert found is not None
    assert found.header is None
    assert found.is_at("10.0.0.77")
    assert found.find_person("10.0.0.77", [(b"x-forwarded-email", b"anna@example.com")]) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"KEEPWELL_PROXY_ADDRESSES": ""}, "whoever sends the header would be believed"),
        ({"KEEPWELL_PROXY_ADDRESSES": "proxy.local"}, "'proxy.local' is no address"),
        ({"KEEPWELL_PROXY_ADDRESSES": "10.0.0.5/24"}, "is no address and no network"),
        ({"KEEPWELL_PROXY_ADDRESSES": "0.0.0.0/0"}, "every address there is"),
        ({"KEEPWELL_PROXY_ADDRESSES": "::/0"}, "every address there is"),
        ({"KEEPWELL_PROXY_PEOPLE": ""}, "KEEPWELL_PROXY_PEOPLE: is needed"),
        ({"KEEPWELL_PROXY_HEADER": ""}, "KEEPWELL_PROXY_HEADER: is needed"),
        ({"KEEPWELL_PROXY_HEADER": "X Forwarded"}, "cannot name people"),
        ({"KEEPWELL_PROXY_HEADER": "Cookie"}, "cannot name people"),
        ({"KEEPWELL_PROXY_HEADER": "Authorization"}, "cannot name people"),
        ({"KEEPWELL_PROXY_PEOPLE": "/nowhere/people.toml"}, "cannot be read"),
    ],
)
def test_settings_that_would_let_anybody_in_are_refused(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        proxy(tmp_path, **changes)


def test_the_example_of_the_documents_is_sound(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "operation.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    lines = re.findall(r"^(KEEPWELL_PROXY_\w+)=(\S+)$", page, re.MULTILINE)
    assert len(lines) == 3
    (tmp_path / "people.toml").write_text(text, encoding="utf-8")
    found = read_proxy({**dict(lines), "KEEPWELL_PROXY_PEOPLE": f"{tmp_path}/people.toml"})
    assert found is not None
    assert found.header == b"x-forwarded-email"
    assert set(found.people) == {ANNA, BORIS}
    assert found.others is not None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scopes = [", "cannot be read"),
        ("[person.anna]\nscopes = ['scores:read']", "no table 'person'"),
        ("people = 3", "people must be a table"),
        ("[people.anna]", "person 1 has no list of scopes"),
        ("[people.anna]\nscopes = 'scores:read'", "person 1 has no list of scopes"),
        ("[people.anna]\nscopes = []", "without scores:read"),
        ("[people.anna]\nscopes = ['scores:read', 'all']", "'all'"),
        ("[people.anna]\nscopes = ['scores:read', 3]", "'3'"),
        ("[people.anna]\nscopes = ['scores:read']\nfilter = {}", "'filter'"),
        ("[people.anna]\nscopes = ['scores:read']\nrow_filter = {city = ['x']}", "'city'"),
        ("[people.anna]\nscopes = ['scores:read']\nrow_filter = {segment = 'x'}", "list of values"),
        ("[people.anna]\nscopes = ['scores:read']\nrow_filter = []", "must be an object"),
        ("[people.a]\nscopes = ['scores:read','admin']\nrow_filter={segment=['x']}", "admin sees"),
        ("[people.'a, b']\nscopes = ['scores:read']", "without commas"),
        ("[people.'']\nscopes = ['scores:read']", "without commas"),
        ("[others]\nscopes = ['people:read']", "others could see no page"),
    ],
)
def test_a_file_that_is_not_sound_is_refused_without_a_name(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InputError, match=told) as raised:
        proxy(tmp_path, text)
    assert "anna" not in str(raised.value)
    assert json.dumps(str(raised.value))
