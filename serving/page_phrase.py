"""What the pages say of features in the reader's language, from a snapshot's phrases.

A score run writes its texts in English, and the API gives them so. Their templates are messages of
the catalogues (`serving.locale_writer` collects them), and the snapshot's document `features` tells
which of them each feature has; see `features.phrase`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Protocol

from features.phrase import AS_GIVEN, ATTRIBUTE_TEXTS, Phrases, fill_places
from serving.page_language import Language

_EXPLAINED = re.compile(
    "[\N{FULLWIDTH SEMICOLON}\N{FULLWIDTH COLON}\N{FULLWIDTH LEFT PARENTHESIS}"
    "\N{IDEOGRAPHIC FULL STOP}]|[;:]| [(]|[.]( |$)"
)
SHARES = frozenset({"share", "share of ARR", "share a week", "ratio"})
# The life stages, which are values of a feature and not data of the company.
STAGE = "stage"


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


STAGE_WORDS = {
    "delivery": _("Delivery"),
    "growth": _("Growth"),
    "active": _("Active"),
    "renewal": _("Renewal"),
}
YES, NO, POINTS = _("yes"), _("no"), _("{value} points")


class Told(Protocol):
    """A driver, a factor of the health score: a feature's value and what was said of it."""

    @property
    def feature(self) -> str: ...  # noqa: D102
    @property
    def value(self) -> float | str | None: ...  # noqa: D102


class Phrasebook:
    """The phrases of one snapshot in one language.

    Parameters
    ----------
    document : mapping or None
        Phrases by feature name; None in snapshots that hold none.
    language : Language
    currency : str or None
        Of amounts.
    """

    def __init__(
        self,
        document: Mapping[str, Any] | None,  # Any: JSON
        language: Language,
        currency: str | None,
    ) -> None:
        self._document = document or {}
        self._language, self._currency = language, currency

    def tell(self, told: Told) -> str | None:
        """A driver or a factor in words; None where only the stored text can tell it."""
        phrases = self._find(told.feature)
        if phrases is None:
            return None
        value = told.value
        if value is None:
            return self._translate(phrases, phrases.text_missing) or self._miss(phrases)
        text = phrases.text
        if isinstance(value, float | int) and value < 0 and phrases.text_below_zero:
            text, value = phrases.text_below_zero, -value
        shown = self.write(value, phrases.unit, told.feature)
        return self._translate(phrases, text, {"{value}": shown})

    def mean(self, feature: str) -> str | None:
        """What a feature is, as a sentence; None where the language has no words for it."""
        phrases = self._find(feature)
        return None if phrases is None else self._translate(phrases, phrases.meaning)

    def name(self, feature: str) -> str | None:
        """What a feature is, as a name: its meaning up to what explains it.

        In the language of who wrote it where there is no other; None where nothing is known of it.
        """
        phrases = self._find(feature)
        if phrases is None:
            return None
        meaning = self._translate(phrases, phrases.meaning) or phrases.fill(phrases.meaning)
        return _cut(meaning)

    def unit(self, feature: str) -> str | None:
        """A feature's unit; None likewise."""
        phrases = self._find(feature)
        return None if phrases is None else self._translate(phrases, phrases.unit)

    def write(self, value: float | str, unit: str, feature: str = "") -> str:
        """A value as a reader of the language writes it within a sentence."""
        text, formats = self._language.text, self._language.formats
        if isinstance(value, str):
            known = STAGE_WORDS.get(value) if feature == STAGE else None
            return text(known) if known else value
        if unit in SHARES:
            return formats.percent(value * 100)
        if unit == "percentage points":
            return text(POINTS).replace("{value}", formats.decimal(value * 100, 0))
        if unit == "change":
            return formats.change(value)
        if unit == "money":
            return formats.money(value, self._currency)
        if unit == "flag":
            return text(YES if value else NO)
        if unit == AS_GIVEN and 0 < abs(value) < 0.05:  # of any size, unlike what the catalogue has
            return f"{value:.3g}"
        return formats.count(value) if abs(value) >= 100 else formats.decimal(value)

    def _miss(self, phrases: Phrases) -> str | None:
        """What is said of a missing value that never is missing where the tables are there."""
        meaning = self._translate(phrases, phrases.meaning)
        unknown = self._language.text(ATTRIBUTE_TEXTS["text_missing"])
        return meaning and fill_places(unknown, {"{attribute}": _cut(meaning)})

    def _find(self, feature: str) -> Phrases | None:
        found = self._document.get(feature)
        return None if found is None else Phrases(**found)

    def _translate(
        self, phrases: Phrases, text: str, values: Mapping[str, str] | None = None
    ) -> str | None:
        """A text filled in; None where the catalogue has no message of it."""
        translated = self._language.translate(text)
        if translated is None:
            return None
        return fill_places(translated, {**phrases.filled, **(values or {}), "{s}": ""})


def _cut(meaning: str) -> str:
    found = _EXPLAINED.search(meaning)
    return meaning[: found.start()] if found else meaning
