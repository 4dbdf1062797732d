"""An entry's texts before anything is filled in: what other languages have messages for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

DOCUMENT = "features"  # of a snapshot: phrases by feature name
# What is said of an attribute, whose name is the company's.
ATTRIBUTE_TEXTS = {
    "meaning": "{attribute} of the {table}, as declared under attributes.",
    "text": "{attribute}: {value}",
    "text_missing": "{attribute} unknown",
}
# The unit of a column of which nothing but its values is known, and what is said of it.
AS_GIVEN = "as in the table"
COLUMN_TEXTS = {
    "meaning": "The column {column} of the table.",
    "text": "{column} is {value}",
    "text_missing": "{column} is not known",
}
_PLACE = re.compile(r"\{\w+\}")


class Phrases(NamedTuple):
    """What an entry says of one of its features, and what stands in its placeholders.

    Parameters
    ----------
    unit, meaning, text, text_missing, text_below_zero : str
        As in `features.entry.Template`; ``{value}`` and ``{s}`` stay to be filled in.
    filled : mapping of str to str
        By placeholder, such as ``{module}``: what it stands for here.
    """

    unit: str
    meaning: str
    text: str
    text_missing: str
    text_below_zero: str
    filled: Mapping[str, str]

    def fill(self, text: str) -> str:
        """One of the texts, or what translates it, with what its placeholders stand for."""
        return fill_places(text, self.filled)

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The phrases as a snapshot holds them."""
        # Counts that no text names would only make every snapshot larger.
        used = {place for text in self[:-1] for place in _PLACE.findall(str(text))}
        filled = {place: text for place, text in self.filled.items() if place in used}
        return {**self._asdict(), "filled": filled}


def fill_places(text: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled in, all at once: a value is never read as a placeholder.

    Parameters
    ----------
    text : str
    values : mapping of str to str
        By placeholder, its braces included; others stay as they are.
    """
    return _PLACE.sub(lambda place: values.get(place[0], place[0]), text)
