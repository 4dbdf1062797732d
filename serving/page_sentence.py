"""Sentences that were written in English, in the reader's language.

Cards and headers keep them as sentences. Here each is recognised by its message, whose places match
what was filled in, and written again from the translation. What is not recognised stays as it was
written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from features.phrase import fill_places
from serving.page_language import SOURCE, Language
from serving.sentence import LISTS, NAMES, PART_OF, SENTENCES, SLICE_VALUES

NUMBERS = frozenset({"number", "all", "value", "low", "high", "gain", "limit"})
_FIGURE = r"[+\-\N{MINUS SIGN}]?\d[\d,.]*(?:e[+-]?\d+)?%?"
_PLACE = re.compile(r"\{(\w+)\}")


class Sentences:
    """These sentences in one language.

    Parameters
    ----------
    language : Language
    """

    def __init__(self, language: Language) -> None:
        self._language = language

    def translate(self, sentence: str) -> str | None:
        """A sentence in the language; None where it is the source's or not recognised."""
        return self._find(sentence, SENTENCES)

    def value(self, column: str, value: str) -> str | None:
        """The value of a slice of a report, where its words are Keepwell's; None likewise."""
        return self._find(value, NAMES[SLICE_VALUES.get(column, "missing")])

    def _find(self, text: str, messages: Sequence[str]) -> str | None:
        if self._language.code == SOURCE:
            return None
        for message in messages:
            if found := _compile(message).fullmatch(text):
                values = {
                    f"{{{name}}}": self._fill(name, value)
                    for name, value in found.groupdict().items()
                }
                return fill_places(self._language.text(message), values)
        return None

    def _fill(self, name: str, value: str) -> str:
        """What stands in a place, translated as far as it is known."""
        if name in NUMBERS:
            return value
        kind = PART_OF.get(name, name)
        joint = LISTS.get(name)
        messages = SENTENCES if kind == "reason" else NAMES.get(kind, ())
        if joint is None:
            return self._find(value, messages) or value
        told = [self._find(part, messages) or part for part in value.split(joint)]
        return self._language.text(joint).join(told)


@cache
def _compile(message: str) -> re.Pattern[str]:
    """What a sentence looks like that was written from a message."""
    pieces = _PLACE.split(message)
    return re.compile(
        "".join(
            f"(?P<{piece}>{_FIGURE if piece in NUMBERS else '.+?'})" if place % 2 else
            re.escape(piece)
            for place, piece in enumerate(pieces)
        ),
        re.DOTALL,
    )  # fmt: skip
