"""The languages of the pages: which one a reader wants, and its texts and formats."""

from __future__ import annotations

import gettext
from dataclasses import dataclass
from functools import cache
from typing import Protocol

from starlette.requests import Request

from serving.page_format import LOCALE_FOLDER, Formats

DOMAIN = "keepwell"
COOKIE = "keepwell_lang"
PARAMETER = "lang"
SOURCE = "en"


class Catalogue(Protocol):
    """The part of `gettext.NullTranslations` that texts are read by."""

    def gettext(self, message: str) -> str: ...  # noqa: D102
    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Language:
    """One language of the pages.

    Parameters
    ----------
    code : str
        In addresses and cookies.
    tag : str
        BCP 47, as HTML names it.
    name : str
        In the language itself.
    catalogue : Catalogue
        Its texts.
    formats : Formats
        Its numbers and dates.
    """

    code: str
    tag: str
    name: str
    catalogue: Catalogue
    formats: Formats

    def text(self, message: str) -> str:
        """A message in this language."""
        return self.catalogue.gettext(message)

    def translate(self, message: str) -> str | None:
        """A text of the data in this language; None where the catalogue has no message of it."""
        # An empty message is the catalogue's own header.
        found = self.catalogue.gettext(message) if message else message
        return None if found == message else found


@cache
def load_languages() -> dict[str, Language]:
    """All languages by code, the source language first."""
    chinese = gettext.translation(DOMAIN, LOCALE_FOLDER, ["zh_Hans"])
    return {
        SOURCE: Language(SOURCE, "en", "English", gettext.NullTranslations(), Formats("en")),
        "zh": Language("zh", "zh-Hans", "中文", chinese, Formats("zh_Hans")),
    }


def choose_language(request: Request) -> Language:
    """The language of an answer: as the address asks, the cookie or the browser; else English."""
    languages = load_languages()
    for asked in (request.query_params.get(PARAMETER), request.cookies.get(COOKIE)):
        if asked in languages:
            return languages[asked]
    return languages[prefer(request.headers.get("accept-language", ""), languages)]


def prefer(accepted: str, languages: dict[str, Language]) -> str:
    """Code of the language that an ``Accept-Language`` prefers among these.

    Traditional Chinese is read as Chinese too: simplified is nearer to it than English.

    References
    ----------
    RFC 9110, section 12.5.4.
    """
    best, weight = SOURCE, 0.0
    for part in accepted[:1000].split(","):
        tag, _, option = part.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        quality = _read_quality(option)
        if code in languages and quality > weight:
            best, weight = code, quality
    return best


def _read_quality(option: str) -> float:
    name, _, value = option.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
