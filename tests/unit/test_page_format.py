"""Numbers, money and dates on the pages are those of Unicode's locale data."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from babel import dates, numbers

from serving.locale_writer import read_locale
from serving.page_format import LOCALE_DATA, LOCALES, MISSING, NARROW, Formats

DRAWN = random.Random(7)
AMOUNTS = [0.0, 0.4, 1.0, 9.99, 999.4, 999.6, 1000.0, 9_999.0, 99_950.0, 999_500.0, 1e8, 1e9]
AMOUNTS += [DRAWN.uniform(1, 10) * 10 ** DRAWN.randint(0, 11) for _ in range(400)]


def to_three_digits(amount: float) -> Decimal:
    exact = Decimal(repr(amount))
    step = Decimal(10) ** max(0, exact.adjusted() - 2)
    return (exact / step).quantize(Decimal(1)) * step


@pytest.mark.parametrize("locale", LOCALES)
def test_the_committed_locale_data_is_what_babel_gives(locale: str) -> None:
    committed = json.loads(LOCALE_DATA.read_text(encoding="utf-8"))
    assert set(committed) == set(LOCALES)
    assert committed[locale] == read_locale(locale), "run python -m serving.locale_writer"


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("currency", ["USD", "EUR", "CNY", "CHF", "SEK"])
def test_money_is_written_as_babel_writes_it(locale: str, currency: str) -> None:
    formats = Formats(locale)
    for amount in AMOUNTS:
        rounded = to_three_digits(amount)
        for sign in (1, -1) if rounded else (1,):
            expected = numbers.format_compact_currency(
                sign * rounded, currency, locale=locale, fraction_digits=2
            )
            found = formats.money(sign * amount, currency)
            assert found.replace(NARROW, "") == expected.replace(NARROW, ""), amount


@pytest.mark.parametrize("locale", LOCALES)
def test_counts_shares_and_days_are_written_as_babel_writes_them(locale: str) -> None:
    formats = Formats(locale)
    for _ in range(300):
        number = DRAWN.randint(-10_000_000, 10_000_000)
        assert formats.count(number) == numbers.format_decimal(number, locale=locale)
        share = DRAWN.uniform(0.01, 0.99)
        percent = numbers.format_percent(round(share, 2), locale=locale)
        assert formats.share(share) == percent
        day = date(2024, 1, 1) + timedelta(days=DRAWN.randint(0, 2000))
        for found, skeleton in (
            (formats.day(day), "yMMMd"),
            (formats.short_day(day), "MMMd"),
            (formats.long_day(day), "yMMMEd"),
            (formats.month(day), "yMMM"),
        ):
            assert found == dates.format_skeleton(skeleton, day, locale=locale)


def test_a_day_is_written_with_its_year_where_another_year_could_be_meant() -> None:
    formats, today = Formats("en"), date(2026, 11, 1)
    assert formats.near_day(date(2027, 4, 24), today) == "Apr 24"
    assert formats.near_day(date(2026, 3, 1), today) == "Mar 1"
    assert formats.near_day(date(2027, 11, 1), today) == "Nov 1, 2027"
    assert formats.near_day(date(2025, 11, 30), today) == "Nov 30, 2025"
    assert formats.near_day(date(2027, 4, 24), None) == "Apr 24, 2027"
    assert formats.near_day(None, today) == MISSING


def test_what_rounds_to_nothing_has_no_sign() -> None:
    formats = Formats("en")
    assert [formats.decimal(-0.04), formats.count(-0.3), formats.percent(-0.2)] == ["0", "0", "0%"]
    assert [formats.step(-0.2), formats.step(0.2), formats.step(0.5, 1)] == ["0", "0", "+0.5"]
    assert [formats.decimal(-0.06), formats.step(-1.2)] == ["-0.1", "-1"]


def test_the_loss_of_one_account_is_told_to_two_digits() -> None:
    formats = Formats("en")
    assert [formats.loss(one, "USD") for one in (16_273.0, 95_500.0, 2_171.0, 87.4, 0.0, None)] == [
        "$16K", "$96K", "$2.2K", "$87", "$0", MISSING,
    ]  # fmt: skip


def test_what_is_not_known_is_a_dash_and_no_share_claims_to_be_certain() -> None:
    formats = Formats("en")
    assert formats.money(None, "USD") == formats.share(None) == formats.day(None) == MISSING
    assert (formats.share(0.0), formats.share(0.001), formats.share(0.999)) == ("0%", "<1%", ">99%")
    assert (formats.points(0.114), formats.points(-0.114), formats.points(0.001)) == (
        "+11", "-11", "0"
    )  # fmt: skip
    assert formats.money(1_240_000, None) == "1.24M"
