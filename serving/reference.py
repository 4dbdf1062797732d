"""The API description as one page to read: plain HTML, no script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

Document = dict[str, Any]  # Any: JSON

STYLE = """
:root{color-scheme:light dark;--line:#8886;--soft:#8881}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{overflow:auto;max-height:24rem;padding:.7rem;background:var(--soft)}
table{border-collapse:collapse;width:100%;margin:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
section{border-top:1px solid var(--line);margin-top:2rem}
h3 code{font-size:1rem}
.wide{overflow-x:auto}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def render_reference(description: Document) -> str:
    """The page about an OpenAPI document.

    Parameters
    ----------
    description : dict
        As the service describes itself.
    """
    info = description["info"]
    parts = [
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>",
        f"<p>{_prose(info.get('description', ''))}</p>",
        '<p>For programs the same is at <a href="/openapi.json">/openapi.json</a>.</p>',
        *_contents(description),
        *_access(description),
    ]
    parts.append("<h2>Requests and answers</h2>")
    for path, method, operation in _operations(description):
        parts += _operation(path, method, operation)
    parts.append('<h2 id="models">Models</h2>')
    for name, schema in sorted(description["components"]["schemas"].items()):
        parts += _model(name, schema)
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _operations(description: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield path, method.upper(), operation


def _contents(description: Document) -> Iterator[str]:
    yield '<nav aria-label="Operations"><h2>Operations</h2><ul>'
    for path, method, operation in _operations(description):
        place = f"{method} {path}"
        yield (
            f'<li><a href="#{escape(operation["operationId"])}"><code>{escape(place)}</code></a> '
            f"{_prose(operation.get('summary', ''))}</li>"
        )
    yield '<li><a href="#models">Models</a></li></ul></nav>'


def _access(description: Document) -> Iterator[str]:
    for name, scheme in description["components"].get("securitySchemes", {}).items():
        kind = scheme.get("scheme", scheme["type"])
        yield f"<h2>Access: {escape(name)} ({escape(kind)})</h2>"
        yield f"<p>{_prose(scheme.get('description', ''))}</p>"


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    yield f'<section id="{escape(operation["operationId"])}">'
    yield f"<h3><code>{escape(f'{method} {path}')}</code></h3>"
    yield f"<p><strong>{_prose(operation.get('summary', ''))}</strong></p>"
    yield from (f"<p>{_prose(one)}</p>" for one in operation.get("description", "").split("\n\n"))
    if "security" not in operation:
        yield "<p>Needs no key.</p>"
    parameters = operation.get("parameters", [])
    if parameters:
        rows = [
            (f"<code>{escape(one['name'])}</code>", escape(one["in"]), _type(one["schema"]),
             "yes" if one.get("required") else _default(one["schema"]),
             _prose(one.get("description", "")))
            for one in parameters
        ]  # fmt: skip
        yield _table(("parameter", "in", "type", "required, or default", "meaning"), rows)
    if "requestBody" in operation:
        yield "<h4>Body</h4>"
        yield from _content(operation["requestBody"])
    for status, answer in operation["responses"].items():
        if int(status) < 400:
            yield f"<h4>{escape(status)} {_prose(answer.get('description', ''))}</h4>"
            yield from _content(answer)
    errors = sorted(status for status in operation["responses"] if int(status) >= 400)
    if errors:
        yield f"<p>Errors, as {_link('ProblemDocument')}: {escape(', '.join(errors))}.</p>"
    yield "</section>"


def _content(told: Document) -> Iterator[str]:
    for media_type, content in told.get("content", {}).items():
        kind = f": {_type(content['schema'])}" if content.get("schema") else ""
        yield f"<p><code>{escape(media_type)}</code>{kind}</p>"
        if "example" in content:
            text = json.dumps(content["example"], ensure_ascii=False, indent=1)
            yield f'<pre tabindex="0">{escape(text)}</pre>'


def _model(name: str, schema: Document) -> Iterator[str]:
    yield f'<section id="model-{escape(name)}"><h3>{escape(name)}</h3>'
    yield f"<p>{_prose(schema.get('description', ''))}</p>"
    needed = schema.get("required", [])
    rows = [
        (f"<code>{escape(field)}</code>", _type(one), "yes" if field in needed else "",
         _prose(one.get("description", "")))
        for field, one in schema.get("properties", {}).items()
    ]  # fmt: skip
    yield _table(("field", "type", "always there", "meaning"), rows)
    yield "</section>"


def _type(schema: Document) -> str:
    """What a schema allows, in words, its models as links; HTML."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            return " or ".join(_type(part) for part in schema[union])
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is not None:
        return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    name = escape(str(schema.get("format") or schema.get("type") or "any value"))
    if isinstance(schema.get("items"), dict) and schema["items"]:
        return f"list of {_type(schema['items'])}"
    if "prefixItems" in schema:
        return f"list of {len(schema['prefixItems'])}"
    if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
        return f"object of {_type(schema['additionalProperties'])}"
    return name + _bounds(schema)


def _bounds(schema: Document) -> str:
    told = ""
    for least, most, unit in (
        ("minimum", "maximum", ""),
        ("minLength", "maxLength", " characters"),
    ):
        ends = [
            f"{word} {schema[name]}"
            for word, name in (("from", least), ("to", most))
            if name in schema
        ]
        if ends:
            told += f", {' '.join(ends)}{unit}"
    return escape(told)


def _default(schema: Document) -> str:
    value = schema.get("default")
    return "" if value in (None, []) else f"<code>{escape(json.dumps(value))}</code>"


def _link(name: str) -> str:
    return f'<a href="#model-{escape(name)}">{escape(name)}</a>'


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="wide">{table}</div>'


def _prose(text: str) -> str:
    """Text with what stands in backticks as code; HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
