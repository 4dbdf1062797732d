"""The page ``/docs``: all of the API description, and nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from serving.openapi import describe_api
from serving.reference import POLICY, render_reference
from tests.integration.client import ask, serve

VOID = frozenset({"meta", "link", "br", "img"})


class Page(HTMLParser):
    """Tags of a page, checked to be closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe_api()


@pytest.fixture(scope="module")
def text(description: dict[str, Any]) -> str:
    return render_reference(description)


def test_every_operation_parameter_model_and_field_is_on_the_page(
    description: dict[str, Any], text: str
) -> None:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            assert f'<section id="{operation["operationId"]}">' in text
            assert f"<h3><code>{method.upper()} {path}</code></h3>" in text
            for parameter in operation.get("parameters", []):
                assert f"<code>{parameter['name']}</code>" in text
    for name, schema in description["components"]["schemas"].items():
        (section,) = re.findall(rf'<section id="model-{name}">.*?</section>', text, re.DOTALL)
        assert re.findall(r"<tr><td><code>(\w+)</code>", section) == list(schema["properties"])


def test_the_page_is_sound_html_whose_links_lead_somewhere(text: str) -> None:
    page = Page(text)
    assert page.open == []
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = {attributes["href"] for tag, attributes in page.tags if tag == "a"}
    assert {link for link in links if link and link.startswith("#")} <= {f"#{p}" for p in places}
    assert {link for link in links if link and not link.startswith("#")} == {"/openapi.json"}


def test_nothing_is_loaded_and_no_script_runs(text: str) -> None:
    page = Page(text)
    assert not {tag for tag, _ in page.tags} & {"script", "link", "img", "iframe", "object"}
    assert not [name for _, attributes in page.tags for name in attributes if name[:2] == "on"]
    assert "url(" not in text
    assert "@import" not in text
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in POLICY
    assert POLICY.startswith("default-src 'none';")


def test_texts_of_the_description_stay_text() -> None:
    evil = "<script>alert(1)</script>`\"'&"
    operation = {
        "operationId": "x",
        "summary": evil,
        "description": evil,
        "responses": {"200": {"description": evil}},
    }
    text = render_reference(
        {
            "info": {"title": evil, "version": evil, "description": evil},
            "paths": {f"/{evil}": {"get": operation}},
            "components": {"schemas": {"M": {"properties": {evil: {"type": evil}}}}},
        }
    )
    assert "<script" not in text
    assert Page(text).open == []


def test_the_page_is_served_with_its_policy_to_this_machine(tmp_path: Path) -> None:
    app = serve(f"sqlite:///{tmp_path}/store.db")
    answer = ask(app, "/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.text == render_reference(app.openapi())
    assert ask(app, "/docs", host="evil.example").status_code == 400
    app.close()
