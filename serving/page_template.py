"""Pages from templates, which write whatever they are given as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent / "templates"


def render(name: str, **values: object) -> str:
    """A page as HTML."""
    return make_environment().get_template(name).render(values)


@cache
def make_environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.globals["_"] = str  # a mark for texts to be translated
    return made
