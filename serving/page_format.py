"""Numbers, money, shares and dates as a reader of a language writes them.

References
----------
Unicode CLDR, through ``serving/locale/cldr.json``, which `serving.locale_writer` writes.
"""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Any

LOCALE_FOLDER = Path(__file__).parent / "locale"
LOCALE_DATA = LOCALE_FOLDER / "cldr.json"
LOCALES = ("en", "zh_Hans")
DIGITS = 3  # of an amount that can be told apart on a page; more would be false precision
LOSS_DIGITS = 2  # of the expected loss of one account: intervals of its chance are wide
NEAR_DAYS = 300
NARROW = "\u00a0"  # between a currency's letters and the figure, where CLDR asks for one
MISSING = "\u2013"
_FIELD = re.compile(r"E+|y+|M+|L+|d+")


class Formats:
    """The formats of one locale.

    Parameters
    ----------
    name : str
        One of `LOCALES`.
    """

    def __init__(self, name: str) -> None:
        self._data = _read_data()[name]
        self._symbols: dict[str, str] = self._data["symbols"]

    def count(self, number: float) -> str:
        """A whole number, in groups of three digits: 12,345."""
        whole = round(number)
        return self._sign(whole) + self._group(str(abs(whole)))

    def decimal(self, number: float, digits: int = 1) -> str:
        """A number with at most so many digits after the point, none of them a last zero."""
        rounded = _quantize(abs(number), digits)
        return (self._sign(number) if rounded else "") + self._plain(rounded)

    def share(self, share: float | None) -> str:
        """A share 0-1 as whole percent; neither 0 % nor 100 % for what is neither."""
        if share is None:
            return MISSING
        percent = round(share * 100)
        if percent == 0 and share > 0:
            return "<" + self._percent("1")
        if percent == 100 and share < 1:
            return ">" + self._percent("99")
        return self._percent(str(percent))

    def percent(self, percent: float, digits: int = 0) -> str:
        """A percentage (4.2 is 4.2 %) with so many digits after the point."""
        rounded = _quantize(abs(percent), digits)
        return (self._sign(percent) if rounded else "") + self._percent(self._plain(rounded))

    def step(self, step: float, digits: int = 0) -> str:
        """A difference with its sign and at most so many digits after the point: +1.5."""
        shown = self.decimal(step, digits)
        return self._symbols["plusSign"] + shown if step > 0 and _quantize(step, digits) else shown

    def points(self, points: float) -> str:
        """A difference of shares in points of 100, with its sign: +11."""
        whole = round(points * 100)
        sign = self._symbols["plusSign"] if whole > 0 else self._sign(whole)
        return f"{sign}{abs(whole)}"

    def change(self, share: float) -> str:
        """A relative change as percent, with its sign: -31%."""
        whole = round(share * 100)
        sign = self._symbols["plusSign"] if whole > 0 else self._sign(whole)
        return sign + self._percent(self._group(str(abs(whole))))

    def money(self, amount: float | None, currency: str | None, digits: int = DIGITS) -> str:
        """An amount to so many digits: $1.24M; without a currency the figure alone."""
        if amount is None:
            return MISSING
        rounded = _round(abs(amount), digits)
        magnitude = int(rounded.adjusted()) if rounded else 0
        pattern: str = self._data["compact"].get(str(magnitude), "")
        zeros = pattern.count("0")
        scaled = rounded.scaleb(zeros - magnitude - 1) if zeros else rounded
        figure = self._plain(scaled, grouped=False)
        symbol = self._symbol(currency)
        text = re.sub("0+", figure, pattern, count=1) if zeros else f"¤{figure}"
        return self._sign(amount) + text.replace("¤", symbol)

    def loss(self, amount: float | None, currency: str | None) -> str:
        """What one account's leaving will cost on average: $16K, as its chance is no surer."""
        return self.money(amount, currency, LOSS_DIGITS)

    def day(self, day: date | None) -> str:
        """A day with its year: Nov 16, 2026."""
        return self._date(day, "yMMMd")

    def short_day(self, day: date | None) -> str:
        """A day of this year or the next: Dec 3."""
        return self._date(day, "MMMd")

    def near_day(self, day: date | None, today: date | None) -> str:
        """A day without its year where it cannot be taken for that of another year."""
        if day is None or today is None or abs((day - today).days) > NEAR_DAYS:
            return self.day(day)
        return self.short_day(day)

    def long_day(self, day: date | None) -> str:
        """A day with its weekday: Mon, Nov 16, 2026."""
        return self._date(day, "yMMMEd")

    def month(self, day: date | None) -> str:
        """A month: Nov 2026."""
        return self._date(day, "yMMM")

    def _date(self, day: date | None, skeleton: str) -> str:
        if day is None:
            return MISSING
        values = {
            "y": str(day.year),
            "M": self._data["months"][day.month - 1],
            "L": self._data["months"][day.month - 1],
            "d": str(day.day),
            "E": self._data["days"][day.weekday()],
        }

        def fill(field: re.Match[str]) -> str:
            return str(day.month) if field[0] == "M" else values[field[0][0]]

        return _FIELD.sub(fill, self._data["dates"][skeleton])

    def _percent(self, figure: str) -> str:
        return str(self._data["percent"]).replace("#,##0", figure)

    def _symbol(self, currency: str | None) -> str:
        if currency is None:
            return ""
        symbol = str(self._data["currencies"].get(currency, currency))
        return symbol + NARROW if symbol[-1].isalpha() else symbol

    def _sign(self, number: float) -> str:
        return self._symbols["minusSign"] if number < 0 else ""

    def _plain(self, number: Decimal, *, grouped: bool = True) -> str:
        whole, _, rest = f"{number:f}".partition(".")
        rest = rest.rstrip("0")
        return (self._group(whole) if grouped else whole) + (
            self._symbols["decimal"] + rest if rest else ""
        )

    def _group(self, digits: str) -> str:
        return f"{int(digits):,}".replace(",", self._symbols["group"])


@cache
def _read_data() -> dict[str, Any]:  # Any: JSON
    found: dict[str, Any] = json.loads(LOCALE_DATA.read_text(encoding="utf-8"))
    return found


def _round(amount: float, digits: int) -> Decimal:
    """An amount from 0 to so many digits; below 1 to whole ones."""
    exact = Decimal(repr(float(amount)))
    if exact < 1:
        return exact.quantize(Decimal(1), ROUND_HALF_EVEN)
    step = Decimal(10) ** max(0, exact.adjusted() - digits + 1)
    return (exact / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step


def _quantize(number: float, digits: int) -> Decimal:
    return Decimal(repr(float(number))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
