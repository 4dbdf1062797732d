"""Writes what the pages know of languages: ``python -m serving.locale_writer``.

Patterns and names of Unicode's locale data; the messages of the code and the templates, put into
the catalogues with what was translated before; and these catalogues compiled. Babel is asked when
developing. At run time it would unpickle its data, of all locales.
"""

from __future__ import annotations

import io
import json
import re
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from features.phrase import AS_GIVEN, ATTRIBUTE_TEXTS, COLUMN_TEXTS, Phrases
from serving.page_format import LOCALE_DATA, LOCALE_FOLDER, LOCALES
from serving.page_language import DOMAIN

SKELETONS = ("MMMd", "yMMMd", "yMMMEd", "yMMM")
MOST_DIGITS = 15  # of an amount
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "text": None}
CATALOGUES = ("zh_Hans",)  # the source language needs none
TEXTS = Phrases._fields[:-1]
PLACE_ALONE = re.compile(r"\{\w+\}")  # a measure's unit, which is the company's
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
SERVING = Path(__file__).parent


def read_locale(name: str) -> dict[str, Any]:  # Any: JSON
    """Patterns, symbols and names of one locale, in the form that `Formats` reads."""
    from babel import Locale  # not there where the service runs

    locale = Locale.parse(name)
    symbols = locale.number_symbols["latn"]
    compact = locale.compact_currency_formats["short"]["other"]
    widths = {"months": locale.months["stand-alone"], "days": locale.days["format"]}
    return {
        "symbols": {one: symbols[one] for one in ("decimal", "group", "minusSign", "plusSign")},
        "percent": locale.percent_formats[None].pattern,
        "compact": {
            str(len(magnitude) - 1): pattern.pattern
            for magnitude, pattern in sorted(compact.items(), key=lambda item: len(item[0]))
            if len(magnitude) <= MOST_DIGITS and "¤" in pattern.pattern
        },
        "currencies": {
            code: symbol for code, symbol in locale.currency_symbols.items() if code != symbol
        },
        "dates": {name: locale.datetime_skeletons[name].pattern for name in SKELETONS},
        **{
            kind: [names["abbreviated"][index] for index in sorted(names["abbreviated"])]
            for kind, names in widths.items()
        },
    }


def find_messages() -> Any:  # Any: babel's Catalog
    """All messages of the code and the templates, as an untranslated catalogue."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    found = Catalog(project="Keepwell", charset="utf-8")
    extracted = extract_from_dir(
        SERVING, METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",)
    )
    for name, _line, message, comments, context in extracted:
        # Without lines, which would change with every edit and say nothing to a translator.
        found.add(message, None, [(name, 0)], auto_comments=comments, context=context)
    for group, text in find_phrases():
        found.add(text, None, [(f"features/{group}", 0)])
    return found


def find_phrases() -> list[tuple[str, str]]:
    """What is said of features: by the shipped entries, of attributes, of columns; by its group."""
    import yaml

    said = [("attributes", text) for text in ATTRIBUTE_TEXTS.values()]
    said += [("table", text) for text in (AS_GIVEN, *COLUMN_TEXTS.values())]
    # Read as they are written: the catalogue would bring in what computes features.
    for file in resources.files("features").joinpath("entries").iterdir():
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
        group = file.name.removesuffix(".yaml")
        said += [(group, entry[name]) for entry in entries for name in TEXTS if name in entry]
    return sorted(one for one in said if not PLACE_ALONE.fullmatch(one[1]))


def update_catalogue(name: str) -> Any:  # Any: babel's Catalog
    """The catalogue of a locale with all messages, translated as far as it was before."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    path = find_catalogue(name)
    catalogue = Catalog(locale=name)
    if path.exists():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=name)
    catalogue.update(find_messages(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.header_comment, catalogue.fuzzy = f"# Messages of Keepwell's pages: {name}", False
    catalogue.project, catalogue.version = "Keepwell", "1"
    catalogue.msgid_bugs_address = catalogue.last_translator = catalogue.language_team = ""
    # A day that moved with every run would change the file although no text has.
    catalogue.creation_date = catalogue.revision_date = EPOCH
    return catalogue


def find_catalogue(name: str) -> Path:
    """The file of a locale's catalogue."""
    return LOCALE_FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.po"


def compile_catalogue(catalogue: Any) -> bytes:  # Any: babel's Catalog
    """The catalogue as `gettext` reads it."""
    from babel.messages.mofile import write_mo

    buffer = io.BytesIO()
    write_mo(buffer, catalogue)
    return buffer.getvalue()


def write_all() -> None:
    """Write the locale data, and renew and compile the catalogues."""
    from babel.messages.pofile import write_po

    found = {name: read_locale(name) for name in LOCALES}
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    LOCALE_DATA.write_text(text + "\n", encoding="utf-8")
    for name in CATALOGUES:
        path = find_catalogue(name)
        catalogue = update_catalogue(name)
        with path.open("wb") as file:
            write_po(file, catalogue, omit_header=False, include_lineno=False, sort_output=True)
        path.with_suffix(".mo").write_bytes(compile_catalogue(catalogue))


if __name__ == "__main__":
    write_all()
