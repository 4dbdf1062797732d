"""The charts and tables of the page on modules and cohorts, in a language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from models.cohort_page import Funnel, Losses, Retention
from serving.account_wording import CHOICES
from serving.chart import Chart
from serving.chart_bar import draw_bars
from serving.modules_study import MONTHS, Study
from serving.page_format import MISSING
from serving.page_grid import Grid
from serving.page_language import Language
from serving.page_wording import unfold

BARS = 20  # modules drawn; the table has all
CLEAR = 1.96  # standard errors that a cohort lies off the others before a word says so
SHADES = (0.5, 0.7, 0.8, 0.9)  # of the share that stayed; below the first: the palest


def _(message: str) -> str:
    """Mark a message for the catalogues; it is translated where it is shown."""
    return message


HALVES = (_("%(year)s H1"), _("%(year)s H2"))
STAGE_WORDS = {
    "onboarding": _("Onboarding"),
    "midlife": _("Mid-life"),
    "renewal": _("Renewal"),
}
# Beside losses of which nobody told anything.
LOSS_WORDS = {**CHOICES["loss"], "not_known": _("asked, but not known")}


def draw_adoption(found: Study, language: Language) -> Chart | None:
    """Share of customers that used each module in 28 days; None where usage tells none."""
    text, formats = language.text, language.formats
    shown = [one for one in found.adoption if one.customers][:BARS]
    if not shown:
        return None
    first = shown[0]
    summary = text("%(module)s is used most, by %(share)s of the customers.") % {
        "module": unfold(first.module),
        "share": formats.share(first.using / first.customers),
    }
    title = text("Customers that used each module in the last 28 days")
    bars = [(unfold(one.module), one.using / one.customers) for one in shown]
    columns = (text("Module"), text("Share of customers"))
    return draw_bars("adoption", (title, summary, columns), bars, formats.share)


def list_adoption(found: Study, language: Language) -> Grid | None:
    """Who uses each module, who dropped it, who never tried it."""
    text, count, share = language.text, language.formats.count, language.formats.share
    shown = [one for one in found.adoption if one.customers]
    if not shown:
        return None
    return Grid(
        caption=text("Of the customers whose use is known"),
        columns=(
            text("Module"),
            text("Tried ever"),
            text("Use it now"),
            text("Share using"),
            text("Tried and dropped"),
            text("Of those who tried"),
            text("Never tried"),
        ),
        rows=[
            (
                unfold(one.module),
                count(one.using + one.dropped),
                count(one.using),
                share(one.using / one.customers),
                count(one.dropped),
                share(one.dropped / (one.using + one.dropped))
                if one.using + one.dropped
                else MISSING,
                count(one.never),
            )
            for one in shown
        ],
        numbers=frozenset(range(1, 7)),
    )


def list_retention(found: Study, language: Language) -> Grid:
    """Share of each cohort that was still a customer, with a word where it lies clearly off."""
    text = language.text
    months = [text("%s months") % language.formats.count(month) for month in MONTHS]
    pooled = [language.formats.share(share) for share in found.usual]
    return Grid(
        caption=text("Share still a customer so many months after its own start"),
        columns=(text("Began in"), text("Accounts"), *months),
        rows=[
            *(
                (
                    write_cohort(one, found, language) + "*" * (one.begin in found.survivors),
                    language.formats.count(one.accounts),
                    *_write_shares(one, found, language),
                )
                for one in found.retention
            ),
            (text("All that are compared"), MISSING, *pooled),
        ],
        numbers=frozenset(range(1, 2 + len(MONTHS))),
        shades=[
            *([-1, *map(_shade, one.shares)] for one in found.retention),
            [-1] * (1 + len(MONTHS)),
        ],
    )


def write_cohort(one: Retention | Funnel, found: Study, language: Language) -> str:
    """The name of a cohort: 2026 Q3 or 2026 H2."""
    year, month = one.begin.year, one.begin.month
    if found.span == "quarter":
        return language.text("%(year)s Q%(part)s") % {"year": year, "part": (month + 2) // 3}
    return language.text(HALVES[month > 6]) % {"year": year}


def _write_shares(one: Retention, found: Study, language: Language) -> list[str]:
    compares = one.begin not in found.survivors
    return [
        _write_share(share, usual if compares else None, one, language)
        for share, usual in zip(one.shares, found.usual, strict=True)
    ]


def _write_share(
    share: float | None, usual: float | None, cohort: Retention, language: Language
) -> str:
    if share is None:
        return MISSING
    told = language.formats.share(share)
    word = _compare(share, usual, cohort.accounts, language)
    if word is None:
        return told
    return Markup('{} <span class="cell-word">{}</span>').format(told, word)


def _compare(share: float, usual: float | None, accounts: int, language: Language) -> str | None:
    """A word where chance alone would seldom put a cohort so far off all others."""
    if usual is None or not 0 < usual < 1:
        return None
    error = math.sqrt(usual * (1 - usual) / accounts)
    if abs(share - usual) <= CLEAR * error:
        return None
    return language.text("▲ above") if share > usual else language.text("▼ below")


def _shade(share: float | None) -> int:
    return -1 if share is None else sum(share >= limit for limit in SHADES)


def _known_funnels(found: Study) -> list[Funnel]:
    return [
        one
        for one in found.funnels
        if one.value_by_day_30 is not None and one.value_by_day_90 is not None
    ]


def draw_funnel(found: Study, language: Language) -> Chart | None:
    """From the start to value by day 30 and 90, over cohorts of which both are known."""
    text, formats = language.text, language.formats
    known = _known_funnels(found)
    accounts = sum(one.accounts for one in known)
    if not accounts:
        return None
    early, late = (
        sum(one.accounts * (share or 0.0) for one, share in pairs)
        for pairs in (
            [(one, one.value_by_day_30) for one in known],
            [(one, one.value_by_day_90) for one in known],
        )
    )
    summary = text("Of %(all)s accounts %(early)s had value by day 30, %(late)s by day 90.") % {
        "all": formats.count(accounts),
        "early": formats.count(early),
        "late": formats.count(late),
    }
    bars = [
        (text("Began"), float(accounts)),
        (text("Value by day 30"), early),
        (text("Value by day 90"), late),
        (text("Not by day 90"), accounts - late),
    ]
    title = text("From the start to the first value")
    columns = (text("Step"), text("Accounts"))
    return draw_bars("funnel", (title, summary, columns), bars, formats.count)


def list_funnels(found: Study, language: Language) -> Grid | None:
    """Each cohort's way to value and on to its first year's end; None where nothing is known."""
    text, share = language.text, language.formats.share
    shown = [one for one in found.funnels if one.value_by_day_30 is not None]
    if not shown:
        return None
    return Grid(
        caption=text("By cohort; a dash where it is not known yet of all its accounts"),
        columns=(
            text("Began in"),
            text("Accounts"),
            text("Value by day 30"),
            text("Value by day 90"),
            text("Customer after a year"),
        ),
        rows=[
            (
                write_cohort(one, found, language),
                language.formats.count(one.accounts),
                share(one.value_by_day_30),
                share(one.value_by_day_90),
                share(one.customer_at_day_365),
            )
            for one in shown
        ],
        numbers=frozenset(range(1, 5)),
    )


def list_contacts(found: Study, language: Language) -> Grid | None:
    """Contacts by the vendor at each stage of life; None where they are not known."""
    text, formats = language.text, language.formats
    if not found.contacts:
        return None
    return Grid(
        caption=text("Begun by us in the last 52 weeks"),
        columns=(
            text("Stage"),
            text("Contacts"),
            text("Per account and quarter"),
            text("A quarter or more without one"),
        ),
        rows=[
            (
                text(STAGE_WORDS[one.stage]),
                formats.count(one.contacts),
                MISSING if one.per_quarter is None else formats.decimal(one.per_quarter),
                formats.count(one.without),
            )
            for one in found.contacts
        ],
        numbers=frozenset(range(1, 4)),
    )


def list_losses(losses: Sequence[Losses], currency: str | None, language: Language) -> Grid | None:
    """Accounts that left in a year by the reason that people told; None where nobody left."""
    text, formats = language.text, language.formats
    if not losses:
        return None
    total = sum(one.accounts for one in losses)
    return Grid(
        caption=text("Accounts that left in the last 365 days, with the ARR they had"),
        columns=(text("Reason"), text("Accounts"), text("Share"), text("ARR")),
        rows=[
            (
                _name_reason(one.reason, language),
                formats.count(one.accounts),
                formats.share(one.accounts / total),
                formats.money(one.arr, currency),
            )
            for one in losses
        ],
        numbers=frozenset(range(1, 4)),
    )


def _name_reason(reason: str | None, language: Language) -> str:
    if reason is None:
        return language.text("nobody told")
    return language.text(LOSS_WORDS[reason]) if reason in LOSS_WORDS else unfold(reason)


def list_warnings(
    standing: Mapping[str, int],
    record: Any,  # Any: JSON, see `models.warning_record.WarningRecord.to_json`
    titles: Mapping[str, str],
    language: Language,
) -> Grid | None:
    """Each rule with the accounts on which it stands and, where it may be shown, its record.

    Parameters
    ----------
    standing : mapping of str to int
        Accounts by rule.
    record : JSON or None
        Of the whole company.
    titles : mapping of str to str
        What rules are called.
    language : Language
    """
    text = language.text
    past: Mapping[str, Any] = record["rules"] if record else {}  # Any: JSON
    single = [name for name in past if name in titles or name in standing]
    rules = sorted({*standing, *single}, key=lambda name: (-standing.get(name, 0), name))
    if not rules:
        return None
    columns = [text("Warning"), text("Standing now")]
    if record:
        columns += [
            text("Given before"),
            text("Then lost"),
            text("Against chance"),
            text("Losses preceded"),
            text("Days ahead"),
        ]
    return Grid(
        caption=text("Rules, those that stand on most accounts first"),
        columns=columns,
        rows=[
            (
                _link_rule(name, titles),
                language.formats.count(standing.get(name, 0)),
                *(_tell_record(past.get(name), record["base_rate"], language) if record else ()),
            )
            for name in rules
        ],
        numbers=frozenset(range(1, len(columns))),
    )


def _link_rule(name: str, titles: Mapping[str, str]) -> Markup:
    address = "/?" + urlencode({"warning": name})
    return Markup('<a href="{}">{}</a>').format(address, titles.get(name) or unfold(name))


def _tell_record(
    rule: Any,
    base_rate: float | None,
    language: Language,  # Any: JSON
) -> tuple[str, ...]:
    if rule is None:
        return (MISSING,) * 5
    formats, precision, ahead = language.formats, rule["precision"], rule["median_days_ahead"]
    return (
        formats.count(rule["warnings"]),
        formats.share(precision),
        _compare_chance(precision, base_rate, rule["warnings"], language),
        formats.share(rule["recall"]),
        MISSING if ahead is None else formats.count(ahead),
    )


def _compare_chance(
    precision: float | None, base_rate: float | None, warnings: int, language: Language
) -> str:
    """How many times as often a loss followed as after any day; said where it may be chance.

    Warnings of one account are not independent, so even what is not marked may be less clear.
    """
    if precision is None or not base_rate:
        return MISSING
    told = language.text("%s times") % language.formats.decimal(precision / base_rate)
    error = math.sqrt(base_rate * (1 - base_rate) / warnings)
    if abs(precision - base_rate) > CLEAR * error:
        return told
    return Markup('{} <span class="cell-word">{}</span>').format(
        told, language.text("may be chance")
    )
