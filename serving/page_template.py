"""Pages from templates, in the reader's language; whatever they are given is written as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.account_board import show_board
from serving.asset import ICON, SHEET, load_asset
from serving.page_language import SOURCE, Language, load_languages
from serving.page_wording import Wording

FOLDER = Path(__file__).parent / "templates"


def render(template: str, language: Language | None = None, **values: object) -> str:
    """A page as HTML.

    Parameters
    ----------
    template : str
        Its file's name.
    language : Language or None
        None: English.
    **values : object
        What it shows.
    """
    code = SOURCE if language is None else language.code
    return make_environment(code).get_template(template).render(values)


def pair_values(values: Iterable[str], name: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """Values of a choice, each with what it is called."""
    return [(value, name(value)) for value in values]


@cache
def make_environment(code: str) -> Environment:
    """The environment of all templates in one language.

    One each, since a template's texts are looked up through its environment.
    """
    language = load_languages()[code]
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    # The extension adds this method where it is loaded, which no annotation says.
    install = made.install_gettext_callables  # type: ignore[attr-defined]
    install(language.catalogue.gettext, language.catalogue.ngettext, newstyle=True)
    made.filters["pairs"] = pair_values
    made.globals |= {
        "language": language,
        "languages": tuple(load_languages().values()),
        "formats": language.formats,
        "words": Wording(language),
        "show_board": show_board,
        "sheet": load_asset(SHEET).path,
        "icon": load_asset(ICON).path,
    }
    return made
