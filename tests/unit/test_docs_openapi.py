"""The committed API description is current, and what breaks callers does not pass unseen."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving.compatibility import find_breaks
from serving.openapi import describe_api, main, render_description

FILE = Path(__file__).parents[2] / "docs" / "openapi.json"
COMMITTED: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
BATCH, LIST = "/v1/accounts/batch", "/v1/accounts"
Change = Callable[[dict[str, Any]], object]


def test_nothing_that_callers_rely_on_has_changed() -> None:
    assert find_breaks(COMMITTED, describe_api()) == []


def test_the_committed_description_is_current() -> None:
    current = render_description(describe_api())
    assert FILE.read_text(encoding="utf-8") == current, (
        "write it anew: python -m serving.openapi docs/openapi.json"
    )


def models(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def parameter(document: dict[str, Any], name: str, path: str = LIST) -> dict[str, Any]:
    method = "post" if path == BATCH else "get"
    (found,) = (p for p in document["paths"][path][method]["parameters"] if p["name"] == name)
    assert isinstance(found, dict)
    return found


def without(name: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        listed = document["paths"][LIST]["get"]["parameters"]
        listed.remove(parameter(document, name))

    return change


def field(model: str, name: str, **schema: Any) -> Change:
    """Another schema of a field."""
    return lambda document: models(document)[model]["properties"].update({name: schema})


NULLABLE_TEXT = [{"type": "string"}, {"type": "null"}]
BREAKING: dict[str, tuple[Change, str]] = {
    "path": (lambda d: d["paths"].pop("/v1/portfolio"), "GET /v1/portfolio: removed"),
    "method": (lambda d: d["paths"][BATCH].pop("post"), f"POST {BATCH}: removed"),
    "operation id": (
        lambda d: d["paths"][LIST]["get"].update(operationId="ranking"),
        f"GET {LIST}: operation id list_accounts is ranking now",
    ),
    "parameter": (without("segment"), "query parameter segment: removed"),
    "new required parameter": (
        lambda d: d["paths"][LIST]["get"]["parameters"].append(
            {"name": "x", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "query parameter x: required now",
    ),
    "parameter made required": (
        lambda d: parameter(d, "limit").update(required=True),
        "query parameter limit: required now",
    ),
    "smaller maximum": (
        lambda d: parameter(d, "limit")["schema"].update(maximum=100),
        "query parameter limit: maximum is 100, was 500",
    ),
    "new minimum": (
        lambda d: parameter(d, "limit")["schema"].update(minimum=2),
        "query parameter limit: minimum is 2, was 1",
    ),
    "another type of a parameter": (
        lambda d: parameter(d, "limit")["schema"].update(type="boolean"),
        "query parameter limit: no integer any more",
    ),
    "a value less to ask for": (
        lambda d: parameter(d, "sort")["schema"]["enum"].remove("arr"),
        "query parameter sort: not 'arr' any more",
    ),
    "pattern": (
        lambda d: models(d)["BatchRequest"]["properties"]["account_ids"]["anyOf"][0][
            "items"
        ].update(pattern="^[a-z]$"),
        "another pattern",
    ),
    "fewer ids in a batch": (
        lambda d: models(d)["BatchRequest"]["properties"]["account_ids"]["anyOf"][0].update(
            maxItems=9
        ),
        "maxItems is 9, was 10000",
    ),
    "a field more that a request needs": (
        lambda d: models(d)["BatchRequest"].update(required=["account_ids"]),
        "field account_ids is required now",
    ),
    "a field less in a request": (
        lambda d: models(d)["BatchRequest"]["properties"].pop("external_ids"),
        "field external_ids removed",
    ),
    "media type of a body": (
        lambda d: d["paths"][BATCH]["post"]["requestBody"].pop("content"),
        "application/json removed",
    ),
    "field of an answer": (
        lambda d: models(d)["AccountRisk"]["properties"].pop("arr"),
        "field arr removed",
    ),
    "field that may be absent": (
        lambda d: models(d)["AccountRisk"]["required"].remove("arr"),
        "field arr may be absent now",
    ),
    "null where there was none": (
        field("AccountRisk", "company", anyOf=NULLABLE_TEXT),
        "company: may be null",
    ),
    "another type in an answer": (
        field("AccountRisk", "company", type="integer"),
        "company: may be integer",
    ),
    "deep in an answer": (
        lambda d: models(d)["DriverAnswer"]["properties"].pop("text"),
        "field text removed",
    ),
    "a value more in a closed list of an answer": (
        lambda d: models(d)["AccountRisk"]["properties"]["state"]["enum"].append("paused"),
        "may be 'paused' now",
    ),
    "an open list": (
        lambda d: models(d)["AccountRisk"]["properties"]["state"].pop("enum"),
        "any value now",
    ),
    "an object for a text": (
        field("HistoryAnswer", "company", type="object"),
        "company: may be object",
    ),
    "answer of another kind": (
        lambda d: d["paths"]["/v1/portfolio"]["get"]["responses"].update(
            {"200": {"content": {"text/plain": {}}}}
        ),
        "application/json removed",
    ),
    "status": (
        lambda d: d["paths"]["/v1/portfolio"]["get"]["responses"].pop("200"),
        "does not answer 200 any more",
    ),
}
HARMLESS: dict[str, Change] = {
    "nothing": lambda _: None,
    "path": lambda d: d["paths"].update({"/v1/new": d["paths"][LIST]}),
    "optional parameter": lambda d: d["paths"][LIST]["get"]["parameters"].append(
        {"name": "x", "in": "query", "required": False, "schema": {"type": "string"}}
    ),
    "larger maximum": lambda d: parameter(d, "limit")["schema"].update(maximum=1000),
    "wider type of a parameter": lambda d: parameter(d, "limit")["schema"].update(type="number"),
    "value more to ask for": lambda d: parameter(d, "sort")["schema"]["enum"].append("x"),
    "field of an answer": field("AccountRisk", "mood", type="string"),
    "null no more": field("AccountRisk", "name", type="string"),
    "description": lambda d: models(d)["AccountRisk"].update(description="Other words."),
    "error": lambda d: d["paths"][LIST]["get"]["responses"].update({"418": {}}),
    "error less": lambda d: d["paths"][LIST]["get"]["responses"].pop("410"),
    "optional field of a request": field("BatchRequest", "x", type="string"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_callers_is_told(name: str) -> None:
    change, told = BREAKING[name]
    changed = copy.deepcopy(COMMITTED)
    change(changed)
    breaks = find_breaks(COMMITTED, changed)
    assert any(told in one for one in breaks), breaks


def test_a_body_that_may_not_be_left_out_any_more_is_told() -> None:
    older = copy.deepcopy(COMMITTED)
    older["paths"][BATCH]["post"]["requestBody"].pop("required")
    assert find_breaks(older, COMMITTED) == [f"POST {BATCH}: body: required now"]


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_harms_nobody_is_not_told(name: str) -> None:
    changed = copy.deepcopy(COMMITTED)
    HARMLESS[name](changed)
    assert find_breaks(COMMITTED, changed) == []


def test_the_command_writes_no_breaking_description_unless_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "openapi.json"
    assert main([str(file)]) == 0
    assert file.read_text(encoding="utf-8") == FILE.read_text(encoding="utf-8")
    older = copy.deepcopy(COMMITTED)
    older["paths"]["/v1/older"] = older["paths"][LIST]
    file.write_text(json.dumps(older), encoding="utf-8")
    assert main([str(file)]) == 2
    assert "breaks callers: GET /v1/older: removed" in capsys.readouterr().err
    assert json.loads(file.read_text(encoding="utf-8")) == older
    assert main([str(file), "--breaking"]) == 0
    assert json.loads(file.read_text(encoding="utf-8")) == COMMITTED
