"""What in a new API description breaks callers who were written against an older one.

Callers send requests and read answers, so that each is compared in its own direction: a request
may be allowed more, an answer may tell more fields; the other way round something breaks.

References
----------
OpenAPI Specification 3.1; JSON Schema 2020-12.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]  # Any: JSON
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


def find_breaks(old: Document, new: Document) -> list[str]:
    """Every change that breaks a caller, in the order of the old document; empty when none does.

    A value more in a closed list that answers hold counts as one, since generated clients refuse
    it; a path, an optional parameter, a field of an answer or an error more does not.
    """
    return list(_Comparison(old, new).run())


class _Comparison:
    """Two documents, and the pairs of their schemas that were compared already."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str, bool]] = set()

    def run(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            for method, operation in item.items():
                if method in METHODS:
                    found = self._new["paths"].get(path, {}).get(method)
                    yield from self._operation(f"{method.upper()} {path}", operation, found)

    def _operation(self, place: str, old: Document, new: Document | None) -> Iterator[str]:
        if new is None:
            yield f"{place}: removed"
            return
        if old["operationId"] != new["operationId"]:
            yield f"{place}: operation id {old['operationId']} is {new['operationId']} now"
        yield from self._parameters(place, old.get("parameters", []), new.get("parameters", []))
        yield from self._body(f"{place}: body", old.get("requestBody"), new.get("requestBody"))
        for status, answer in old["responses"].items():
            other = new["responses"].get(status)
            if other is not None:
                yield from self._content(f"{place}: {status}", answer, other, asked=False)
            elif int(status) < 400:
                yield f"{place}: does not answer {status} any more"

    def _parameters(self, place: str, old: list[Any], new: list[Any]) -> Iterator[str]:
        before, now = ({(p["in"], p["name"]): p for p in listed} for listed in (old, new))
        for key, parameter in before.items():
            name = f"{place}: {key[0]} parameter {key[1]}"
            if key not in now:
                yield f"{name}: removed"
            else:
                yield from self._schema(name, parameter["schema"], now[key]["schema"], asked=True)
        for key, parameter in now.items():
            was = before.get(key, {})
            if parameter.get("required") and not was.get("required"):
                yield f"{place}: {key[0]} parameter {key[1]}: required now"

    def _body(self, place: str, old: Document | None, new: Document | None) -> Iterator[str]:
        if new is not None and new.get("required") and not (old or {}).get("required"):
            yield f"{place}: required now"
        if old is not None and new is None:
            yield f"{place}: removed"
        elif old is not None and new is not None:
            yield from self._content(place, old, new, asked=True)

    def _content(self, place: str, old: Document, new: Document, *, asked: bool) -> Iterator[str]:
        for media_type, told in old.get("content", {}).items():
            other = new.get("content", {}).get(media_type)
            if other is None:
                yield f"{place}: {media_type} removed"
            elif "schema" in told:
                yield from self._schema(place, told["schema"], other.get("schema", {}), asked=asked)

    def _schema(self, place: str, old: Any, new: Any, *, asked: bool) -> Iterator[str]:
        """Compare what may stand at a place, each kind of value for itself."""
        before, now = _kinds(self._old, old), _kinds(self._new, new)
        given, allowed = (before, now) if asked else (now, before)
        for kind in given:
            if _covering(kind, allowed) is None:
                yield f"{place}: {'no ' if asked else 'may be '}{kind}{' any more' * asked}"
        for kind, schema in before.items():
            # What only one of them holds was told above, or harms nobody.
            other = now.get(_covering(kind, now) or "")
            key = (kind, place if kind.islower() else "", asked)
            if other is not None and key not in self._seen:
                self._seen.add(key)
                yield from self._kind(place, schema, other, asked=asked)

    def _kind(self, place: str, old: Document, new: Document, *, asked: bool) -> Iterator[str]:
        yield from _values(place, old, new, asked=asked)
        if asked:
            yield from _bounds(place, old, new)
        yield from self._fields(place, old, new, asked=asked)
        for name in ("items", "additionalProperties"):
            if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
                yield from self._schema(f"{place}[]", old[name], new[name], asked=asked)
        pairs = zip(old.get("prefixItems", []), new.get("prefixItems", []), strict=False)
        for number, (was, item) in enumerate(pairs):
            yield from self._schema(f"{place}[{number}]", was, item, asked=asked)

    def _fields(self, place: str, old: Document, new: Document, *, asked: bool) -> Iterator[str]:
        before, now = old.get("properties", {}), new.get("properties", {})
        for name, schema in before.items():
            if name not in now:
                yield f"{place}: field {name} removed"
            else:
                yield from self._schema(f"{place}.{name}", schema, now[name], asked=asked)
        was, needed = set(old.get("required", [])), set(new.get("required", []))
        for name in sorted(needed - was if asked else was - needed):
            if asked or name in now:
                yield f"{place}: field {name} {'is required now' if asked else 'may be absent now'}"


def _kinds(document: Document, schema: Any) -> dict[str, Document]:
    """The kinds of value that a schema allows: by the name of a model, else by type."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return {name: document["components"]["schemas"][name]}
    for union in ("anyOf", "oneOf", "allOf"):
        if union in schema:
            parts = [_kinds(document, part) for part in schema[union]]
            return {kind: found for part in parts for kind, found in part.items()}
    types = schema.get("type", "any value")
    names = types if isinstance(types, list) else [types]
    dated = f" ({schema['format']})" if "format" in schema else ""
    return {f"{name}{dated}": schema for name in names}


def _covering(kind: str, kinds: dict[str, Document]) -> str | None:
    """The kind among others that takes every value of this one."""
    wider = {"integer": "number"}.get(kind, kind)
    return next((one for one in (kind, wider, kind.split(" (")[0], "any value") if one in kinds),
                None)  # fmt: skip


def _values(place: str, old: Document, new: Document, *, asked: bool) -> Iterator[str]:
    """Closed lists: a request may not lose a value, an answer may not gain one."""
    before, now = (_listed(schema) for schema in (old, new))
    given, allowed = (before, now) if asked else (now, before)
    if allowed is None:
        return
    if given is None:
        yield f"{place}: {'only some values now' if asked else 'any value now'}"
        return
    told = "not {!r} any more" if asked else "may be {!r} now"
    yield from (f"{place}: {told.format(value)}" for value in given if value not in allowed)


def _listed(schema: Document) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _bounds(place: str, old: Document, new: Document) -> Iterator[str]:
    """What a request may hold: nothing tighter than before."""
    for name in (*UPPER, *LOWER):
        was, bound = old.get(name), new.get(name)
        if bound is None:
            continue
        if was is None or (bound < was if name in UPPER else bound > was):
            yield f"{place}: {name} is {bound}, was {'none' if was is None else was}"
    if new.get("pattern") not in (None, old.get("pattern")):
        yield f"{place}: another pattern"
