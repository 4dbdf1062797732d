"""Writes what the pages need of Unicode's locale data: ``python -m serving.locale_writer``.

Babel is asked once, when developing. At run time it would unpickle its data, of all locales.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving.page_format import LOCALE_DATA, LOCALES

SKELETONS = ("MMMd", "yMMMd", "yMMMEd", "yMMM")
MOST_DIGITS = 15  # of an amount


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


def write_locales(path: Path) -> None:
    """Write the data of all locales of the pages as one JSON file."""
    found = {name: read_locale(name) for name in LOCALES}
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_locales(LOCALE_DATA)
