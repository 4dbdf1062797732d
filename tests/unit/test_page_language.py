"""The catalogues hold every message, and the language is the one a reader asks for."""

from __future__ import annotations

import gettext
import re
from typing import Any

import pytest
from babel.messages.pofile import read_po

from serving.locale_writer import CATALOGUES, compile_catalogue, find_catalogue, find_messages
from serving.page_language import load_languages, prefer
from serving.page_template import FOLDER, make_environment
from serving.page_wording import unfold

PLACE = re.compile(r"%\((\w+)\)s")
FILLED = re.compile(r"\{\w+\}")  # in texts of the data, see features.phrase
AGAIN = "run python -m serving.locale_writer and translate what is new"


def read_catalogue(name: str) -> Any:  # Any: babel's Catalog
    with find_catalogue(name).open("rb") as file:
        return read_po(file, locale=name)


def texts(found: object) -> tuple[str, ...]:
    return (found,) if isinstance(found, str) else tuple(found)  # type: ignore[arg-type]  # str or tuple


@pytest.mark.parametrize("name", CATALOGUES)
def test_a_catalogue_holds_every_message_and_no_other(name: str) -> None:
    held = {message.id for message in read_catalogue(name) if message.id}
    assert held == {message.id for message in find_messages() if message.id}, AGAIN


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_message_is_translated_with_its_places_and_none_is_a_guess(name: str) -> None:
    for message in read_catalogue(name):
        if not message.id:
            continue
        assert not message.fuzzy, message.id
        assert all(texts(message.string)), message.id
        places = {place for text in texts(message.id) for place in PLACE.findall(text)}
        for text in texts(message.string):
            assert set(PLACE.findall(text)) == places, message.id
            # Chinese nouns have no number, and need not name the table of an attribute.
            filled = set(FILLED.findall(texts(message.id)[0])) - {"{s}", "{table}"}
            assert set(FILLED.findall(text)) == filled, message.id


@pytest.mark.parametrize("name", CATALOGUES)
def test_what_the_service_reads_is_compiled_from_the_catalogue(name: str) -> None:
    path = find_catalogue(name)
    with path.with_suffix(".mo").open("rb") as file:
        served = gettext.GNUTranslations(file)
    for message in read_catalogue(name):
        first = texts(message.id)[0]
        if not first:
            continue
        found = served.ngettext(first, texts(message.id)[-1], 2)
        if not message.pluralizable:
            found = served.gettext(first)
        assert found == texts(message.string)[0], AGAIN
    assert compile_catalogue(read_catalogue(name)).startswith(b"\xde\x12\x04\x95")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", "en"),
        ("de, fr;q=0.5", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("zh-Hant-TW", "zh"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=x, en", "en"),
        ("*;q=1", "en"),
        (";;;,,,=" * 500, "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_prefers(accepted: str, expected: str) -> None:
    assert prefer(accepted, load_languages()) == expected


def test_every_template_compiles_in_every_language() -> None:
    for code in load_languages():
        for path in FOLDER.glob("*.html"):
            make_environment(code).get_template(path.name)


def test_a_name_of_the_configuration_becomes_words() -> None:
    assert unfold("key_user_gone") == "Key user gone"
    assert unfold("call-this-week") == "Call this week"
    assert unfold("") == ""
