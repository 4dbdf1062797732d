"""Whatever the API description allows, and what it does not: no answer is a failure of ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from models.key import SCOPES
from models.key_store import KeyStore
from models.service_store import ServiceStore
from models.store import SnapshotStore
from serving.application import Service
from serving.journal import RequestLog
from tests.integration.client import serve
from tests.integration.company import due, lost, snapshot

REAL = {"account_id": "A1", "external_id": "001A1", "name": "renewal"}  # else most are unknown
QUICK = settings(
    max_examples=20,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
load_all_checks()
LEFT_OUT: list[Any] = [  # Any: the library's own type
    CHECKS.get_one("positive_data_acceptance"),  # what excludes what is told in words alone
    CHECKS.get_one("ignored_auth"),  # sends requests of its own; keys have tests of their own
]


@dataclass(frozen=True)
class Caller:
    """Who asks a service, and with which headers."""

    app: Service
    headers: dict[str, str]


@pytest.fixture(params=["with a key", "without a key", "a stranger", "by request"])
def caller(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Caller]:
    """A service over two snapshots, asked in one way."""
    store_url, service_url = (f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service"))
    with SnapshotStore(store_url) as store:
        for loss, days in ((0.6, dict.fromkeys(("as_of", "data_end"))), (0.3, {})):
            scores = (*(due(f"A{n}", loss) for n in range(30)), lost("Q"))
            store.publish(snapshot(*scores, **days))
    is_open = request.param == "without a key"
    with ServiceStore(f"{service_url}.other" if is_open else service_url) as service:
        everything = KeyStore(service).create("test", SCOPES, now=datetime.now(UTC)).token
    app = serve(
        store_url,
        service_store_url=service_url,
        refresh_s=3600.0,
        rate="1000000/minute",
        log=RequestLog(lambda _: None),  # thousands of lines that say nothing of a failure
        memory_mb=0 if request.param == "by request" else 64,
    )
    if app.guards.keys is not None:
        app.guards.keys.refresh()
    knows = request.param in ("with a key", "by request")
    headers = {"Authorization": f"Bearer {everything}"} if knows else {}
    yield Caller(app, headers)
    app.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_answers_as_described_whatever_is_asked(
    caller: Caller, mode: GenerationMode
) -> None:
    app = caller.app
    counted: Counter[int] = Counter()

    def try_case(case: schemathesis.Case[Any]) -> None:
        for name in REAL.keys() & case.path_parameters.keys():
            if counted.total() % 2:
                case.path_parameters[name] = REAL[name]
        answer = case.call(app=app, base_url="http://localhost", headers=caller.headers)
        counted[answer.status_code] += 1
        assert answer.status_code < 500, (case.operation.label, answer.text)
        case.validate_response(answer, excluded_checks=LEFT_OUT)

    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.config.generation.update(with_security_parameters=False)  # else most are strangers
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        attempt = QUICK(given(found.ok().as_strategy(generation_mode=mode))(try_case))
        # Where nothing is asked for but a text in the path, nothing can be wrong.
        with suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext():
            attempt()
    assert counted.total() > 100
    if caller.headers and mode is GenerationMode.POSITIVE:
        assert counted[200] > counted.total() / 4
