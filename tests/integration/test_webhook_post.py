"""A message goes to the address that was checked, encrypted for the name, and nowhere else."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from models.webhook_address import AllowList
from pipelines.webhook_post import Outcome, Postman, resolve
from tests.integration.postgres import free_port
from tests.integration.receiver import HOST, OTHER, Receiver, receiving, trusting

LOOPBACK = AllowList([HOST, OTHER])
BODY = b'{"type":"ping"}'


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with receiving(tmp_path) as opened:
        yield opened


def answering(*answers: Sequence[str]) -> Callable[[str, int], Sequence[str]]:
    """A resolver that gives each answer once, and the last one for ever."""
    left = list(answers)

    def find(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    return find


@pytest.fixture
def postman(tmp_path: Path, receiver: Receiver) -> Postman:
    """One for whom every name lies on this machine, and who trusts the receiver's authority."""
    del receiver  # has made the certificates
    return Postman(LOOPBACK, resolve=answering(["127.0.0.1"]), context=trusting(tmp_path))


def test_a_message_comes_through_as_it_was_sent(postman: Postman, receiver: Receiver) -> None:
    assert postman.post(receiver.url, {"webhook-id": "msg_1"}, BODY) == Outcome()
    (got,) = receiver.got
    assert (got.path, got.body) == ("/hooks?token=geheim", BODY)
    assert got.headers["host"] == f"{HOST}:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["webhook-id"] == "msg_1"
    assert receiver.asked_for == [HOST]


def test_the_certificate_must_be_that_of_the_name(postman: Postman, receiver: Receiver) -> None:
    url = receiver.url.replace(HOST, OTHER)
    assert postman.post(url, {}, BODY) == Outcome("certificate is not valid")
    assert receiver.got == []


def test_an_authority_that_nobody_trusts_is_refused(receiver: Receiver) -> None:
    postman = Postman(LOOPBACK, resolve=answering(["127.0.0.1"]))
    assert postman.post(receiver.url, {}, BODY) == Outcome("certificate is not valid")
    assert receiver.got == []


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["2606:4700::1", "::ffff:8.8.8.8"],
        ["100.64.0.1"],
        ["169.254.169.254"],
        ["fe80::1%lo"],
        ["fd00::1"],
        ["64:ff9b::127.0.0.1"],
        ["0.0.0.0"],
    ],
)
def test_every_answer_of_the_name_server_must_be_public(
    receiver: Receiver, tmp_path: Path, answer: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", fail)
    postman = Postman(AllowList(), resolve=answering(answer), context=trusting(tmp_path))
    assert postman.post(receiver.url, {}, BODY) == Outcome("address is not public")


def test_a_name_that_is_public_first_and_private_then_reaches_nothing(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, int]] = []

    def connect(_socket: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    asked = answering(["8.8.8.8", "1.1.1.1"], ["127.0.0.1"])
    postman = Postman(AllowList(), resolve=asked, context=trusting(tmp_path))
    assert postman.post(receiver.url, {}, BODY) == Outcome("no connection")
    # Asked once for one message, and connected to just these: nothing asks again in between.
    assert tried == [("8.8.8.8", receiver.port), ("1.1.1.1", receiver.port)]
    assert postman.post(receiver.url, {}, BODY) == Outcome("address is not public")
    assert len(tried) == 2


def test_the_next_address_is_tried_when_one_does_not_answer(
    receiver: Receiver, tmp_path: Path
) -> None:
    asked = answering(["127.0.0.2", "127.0.0.1"])  # the receiver listens on the second only
    postman = Postman(LOOPBACK, resolve=asked, context=trusting(tmp_path))
    assert postman.post(receiver.url, {}, BODY) == Outcome()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(postman: Postman, receiver: Receiver, status: int) -> None:
    receiver.script = [(status, "Location", f"https://{HOST}:{receiver.port}/elsewhere")]
    outcome = postman.post(receiver.url, {}, BODY)
    assert outcome == Outcome(f"answered {status}, a redirect, which is not followed")
    assert len(receiver.got) == 1


def test_a_proxy_of_the_environment_is_not_asked(
    postman: Postman, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        for variable in (name, name.upper()):
            monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    assert postman.post(receiver.url, {}, BODY) == Outcome()


def test_an_answer_that_takes_too_long_ends_though_it_never_stops(
    receiver: Receiver, tmp_path: Path
) -> None:
    receiver.script = [30.0]
    asked = answering(["127.0.0.1"])
    postman = Postman(LOOPBACK, resolve=asked, context=trusting(tmp_path), whole_s=0.5)
    began = time.monotonic()
    assert postman.post(receiver.url, {}, BODY) == Outcome("took too long")
    assert time.monotonic() - began < 10


def test_a_receiver_that_says_nothing_ends_too(tmp_path: Path, receiver: Receiver) -> None:
    del receiver
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        asked = answering(["127.0.0.1"])
        postman = Postman(LOOPBACK, resolve=asked, context=trusting(tmp_path), whole_s=0.5)
        assert postman.post(f"https://{HOST}:{port}/", {}, BODY) == Outcome("took too long")


def test_a_receiver_that_speaks_another_language_is_told_so(tmp_path: Path) -> None:
    with receiving(tmp_path) as encrypted, receiving(tmp_path, encrypted=False) as plain:
        postman = Postman(LOOPBACK, resolve=answering(["127.0.0.1"]), context=trusting(tmp_path))
        assert postman.post(plain.url, {}, BODY) == Outcome("TLS failed")
        url = encrypted.url.replace("https:", "http:")
        assert postman.post(url, {}, BODY).fault in ("no connection", "answer is no HTTP")
        assert postman.post(plain.url.replace("https:", "http:"), {}, BODY) == Outcome()
        refused = Postman(AllowList(), resolve=answering(["8.8.8.8"]))
        assert refused.post(url, {}, BODY) == Outcome("url is not allowed")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (204, Outcome()),
        (410, Outcome("answered 410", is_gone=True)),
        (500, Outcome("answered 500")),
        ((429, "Retry-After", "120"), Outcome("answered 429", wait_s=120)),
        ((503, "Retry-After", "99999999"), Outcome("answered 503", wait_s=86_400)),
        ((503, "Retry-After", "soon"), Outcome("answered 503")),
    ],
)
def test_an_answer_says_how_it_went(
    postman: Postman,
    receiver: Receiver,
    answer: int | tuple[int, str, str],
    outcome: Outcome,
) -> None:
    receiver.script = [answer]
    assert postman.post(receiver.url, {}, BODY) == outcome


def test_what_cannot_be_reached_is_an_outcome(tmp_path: Path, receiver: Receiver) -> None:
    def unknown(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    nobody = f"https://{HOST}:{free_port()}/"
    for find, url, fault in (
        (unknown, receiver.url, "host is not known"),
        (answering([]), receiver.url, "host is not known"),
        (answering(["127.0.0.1"]), nobody, "no connection"),
    ):
        postman = Postman(LOOPBACK, resolve=find, context=trusting(tmp_path))
        assert postman.post(url, {}, BODY) == Outcome(fault)


def test_the_system_gives_all_addresses_once() -> None:
    assert resolve("127.0.0.1", 443) == ["127.0.0.1"]
    found = resolve("localhost", 443)
    assert len(found) == len(set(found)) > 0
