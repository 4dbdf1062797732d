"""What ``keepwell explain`` shows people: the rows, how the values come about, and the sum."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from features.catalogue import Feature
from features.digest import Cell, Digest
from features.wording import describe, format_value
from models.account_score import AccountScore
from pipelines.breakdown import Breakdown, Step
from pipelines.explanation import AccountExplanation
from pipelines.presentation import percent

DRIVERS = 10
STRONGEST = 3
_MINUS = "\N{MINUS SIGN}"
_ABSENT = "\N{EN DASH}"
_BASIS = {"renewal": "that this renewal is lost", "churn": "that it leaves, for any reason"}


def show_explanation(console: Console, found: AccountExplanation, *, currency: str) -> None:
    """The answer first, then the way to it: rows, values, sum, and the model behind.

    Parameters
    ----------
    console : Console
    found : AccountExplanation
    currency : str
        Reporting currency.
    """
    _show_head(console, found, currency)
    _title(console, f"1. What was known before {found.as_of}")
    for digest in found.digests:
        _show_digest(console, digest)
    if found.breakdown is None:
        return
    _title(console, "2. From the rows to the values")
    _show_drivers(console, found.breakdown, found.as_of, currency)
    _title(console, "3. From the values to the probability")
    _show_sum(console, found)
    _title(console, "4. The model behind it")
    _show_model(console, found.breakdown)


def _title(console: Console, text: str) -> None:
    console.print(f"\n[bold]{escape(text)}[/bold]")


def _show_head(console: Console, found: AccountExplanation, currency: str) -> None:
    score = found.score
    name = f" {score.name}" if score and score.name else ""
    console.print(
        f"[bold]{escape(found.account_id + name)}[/bold], {escape(found.company)} "
        f"as of {found.as_of}"
    )
    if found.breakdown is not None:
        for line in _copy_lines(found.breakdown):
            console.print(f"  {line}", markup=False)
        console.print(f"  {_answer(found, found.breakdown)}", markup=False)
        for word in ("raises", "lowers"):
            console.print(f"  {_strongest(found.breakdown, word, currency)}", markup=False)
    if score is not None:
        for line in _facts(score, currency):
            console.print(f"  {line}", markup=False)
    if found.reason:
        console.print(f"  no probability: {found.reason}", markup=False)


def _copy_lines(found: Breakdown) -> Iterable[str]:
    """That the copy which was judged explains, where it does, and what that leaves out."""
    card = found.bundle.card
    if found.bundle.copy == "judged":
        yield (
            f"by the judged copy of the {card.model} model, version {card.version}, which learnt "
            f"only from what was known by {card.data_end}:"
        )
        yield (
            "the model in use knows more than this date allows; so do its interval and fitted "
            "tiers, which are left out"
        )


def _answer(found: AccountExplanation, breakdown: Breakdown) -> str:
    score = found.score
    its_own = score is not None and score.loss_probability == breakdown.probability
    told = ["-".join(f"{100 * end:.0f}" for end in breakdown.interval or ())]
    told += [score.risk_tier] if score is not None and score.risk_tier and its_own else []
    beside = ", ".join(filter(None, told))
    return (
        f"chance {_BASIS[breakdown.model]}: {percent(breakdown.probability)}"
        f"{f' ({beside})' if beside else ''}; "
        f"the model starts from {percent(breakdown.base_probability)}"
    )


def _strongest(found: Breakdown, direction: str, currency: str) -> str:
    """What raises or lowers the chance most, beside the account's past and its peers."""
    told = [
        step.driver.text + _beside(step, found.past_as_of, currency)
        for step in found.steps
        if step.driver.direction == direction
    ]
    return f"what {direction} it most: {'; '.join(told[:STRONGEST]) or 'nothing'}"


def _beside(step: Step, past: date, currency: str) -> str:
    """The account's past and its peers in brackets, where they are known."""
    driver, told = step.driver, []
    if driver.previous is not None:
        if _is_turned(step):
            told.append(f"{describe(step.feature, driver.previous, currency=currency)} on {past}")
        else:
            told.append(f"{_spell(driver.previous, step.feature, currency)} on {past}")
    if step.driver.peer_low is not None:
        told.append(f"peers {_peers(step, currency)}")
    return f" ({'; '.join(told)})" if told else ""


def _is_turned(step: Step) -> bool:
    """Whether today and before are on two sides of 0, which have words of their own."""
    value, before = step.driver.value, step.driver.previous
    if not isinstance(value, float) or not isinstance(before, float):
        return False
    return bool(step.feature.text_below_zero) and (value < 0) != (before < 0)


def _facts(score: AccountScore, currency: str) -> Iterable[str]:
    state = f"state: {score.state.replace('_', ' ')}"
    if score.contract_id:
        state += f", contract {score.contract_id}"
    if score.decision_date:
        state += f", decide by {score.decision_date}, ends {score.renewal_date}"
    yield state
    kind = ("segment", "account_tier", "region", "parent_id")
    told = [f"{n.replace('_', ' ')} {v}" for n in kind if (v := getattr(score, n)) is not None]
    if told:
        yield ", ".join(told)
    if score.arr is not None:
        money = f"ARR {currency} {score.arr:,.0f}"
        if score.arr_at_risk is not None:
            money += f", of it at risk {currency} {score.arr_at_risk:,.0f} (an expected loss)"
        yield money


def _show_digest(console: Console, digest: Digest) -> None:
    span = f", {digest.first} to {digest.last}" if digest.first else ""
    if digest.first is not None and digest.first == digest.last:
        span = f", {digest.first}"
    latest = len(digest.latest)
    note = f"; the latest {latest}:" if latest < digest.rows else ":" if latest else ""
    unit = digest.unit if digest.rows != 1 else digest.unit.replace("rows", "row")
    console.print(f"  {digest.table}: {digest.rows:,} {unit}{span}{note}", markup=False)
    if digest.latest and digest.columns:
        _show_rows(console, digest)


def _show_rows(console: Console, digest: Digest) -> None:
    """The latest rows; what is the same in all of them stands in a line below."""
    same = {
        name: values[0]
        for name, values in zip(digest.columns, zip(*digest.latest, strict=True), strict=True)
        if len(values) > 1 and len(set(values)) == 1
    }
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    shown = [place for place, name in enumerate(digest.columns) if name not in same]
    for place in shown:
        numbers = all(isinstance(row[place], float | None) for row in digest.latest)
        table.add_column(
            digest.columns[place], justify="right" if numbers else "left", overflow="fold"
        )
    for row in digest.latest:
        table.add_row(*(escape(_cell(row[place])) for place in shown))
    if shown:
        console.print(Padding(table, (0, 0, 0, 4), expand=False))
    if same:
        told = ", ".join(f"{name} {_cell(value)}" for name, value in same.items())
        console.print(
            Padding(Text(f"the same in all: {told}", style="dim"), (0, 0, 0, 4), expand=False)
        )


def _cell(cell: Cell) -> str:
    if cell is None:
        return _ABSENT
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return _figure(cell) if isinstance(cell, float) else str(cell)


def _figure(value: float) -> str:
    """A number as it stands in the table, to four digits behind the point."""
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    if text in ("0", "-0") and value != 0:
        text = f"{value:.3g}"
    return text.replace("-", _MINUS)


def _show_drivers(console: Console, found: Breakdown, as_of: date, currency: str) -> None:
    table = Table()
    table.add_column("driver", overflow="fold")
    for title in ("value", f"on {found.past_as_of}", "peers", "log-odds", "points"):
        table.add_column(title, justify="right")
    shown, rest = found.steps[:DRIVERS], found.steps[DRIVERS:]
    for number, step in enumerate(shown, start=1):
        table.add_row(*_driver_row(number, step, currency))
    if rest:
        table.add_row(f"{len(rest)} more (--json lists them)", "", "", "", *_total(rest))
    console.print(table)
    whose = f"rows of segment {found.peers}" if found.peers else "rows"
    for line in (
        f"on {found.past_as_of}: the account's own value, as known then",
        f"peers: the middle half of the {found.peer_rows:,} {whose} of this model on {as_of}",
        "how the values come about:",
    ):
        console.print(f"  {line}", markup=False)
    for number, step in enumerate(shown, start=1):
        console.print(f"    {number}. {step.feature.meaning}", markup=False)
        console.print(Padding(Text(_formula(step), style="dim"), (0, 0, 0, 7), expand=False))


def _total(steps: Iterable[Step]) -> tuple[str, str]:
    steps = tuple(steps)
    return (
        _signed(math.fsum(step.driver.contribution for step in steps)),
        _points(math.fsum(step.driver.points or 0.0 for step in steps)),
    )


def _driver_row(number: int, step: Step, currency: str) -> tuple[str, ...]:
    driver, feature = step.driver, step.feature

    return (
        f"{number}. {escape(driver.text)}\n[dim]{driver.feature} ({driver.group})[/dim]",
        escape(_spell(driver.value, feature, currency)),
        escape(_spell(driver.previous, feature, currency)),
        escape(_peers(step, currency)),
        _signed(driver.contribution),
        _points(driver.points or 0.0),
    )


def _spell(value: float | str | None, feature: Feature, currency: str) -> str:
    return _ABSENT if value is None else format_value(value, feature.unit, currency=currency)


def _peers(step: Step, currency: str) -> str:
    driver = step.driver
    if driver.peer_low is None:
        return _ABSENT
    low, high = (
        _spell(edge, step.feature, currency) for edge in (driver.peer_low, driver.peer_high)
    )
    return low if low == high else f"{low} to {high}"


def _formula(step: Step) -> str:
    """The SQL, and what it reads where that is more than one column by itself."""
    sql = step.feature.expression.sql
    made = "; ".join(
        f"{name} = {_cell(value if not isinstance(value, int) else float(value))}"
        for name, value in step.made_of.items()
    )
    return made if sql in step.made_of else f"{sql}; {made}" if made else sql


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", _MINUS)


def _points(share: float) -> str:
    return f"{100 * share:+.2f}".replace("-", _MINUS)


def _show_sum(console: Console, found: AccountExplanation) -> None:
    breakdown = found.breakdown
    assert breakdown is not None
    table = Table()
    table.add_column("")
    for title in ("log-odds", "points", "probability"):
        table.add_column(title, justify="right")
    base = breakdown.base_probability
    table.add_row(
        "base: where the model starts", _signed(breakdown.base_log_odds), "", _share(base)
    )
    for name, (logs, points) in breakdown.groups.items():
        table.add_row(name, _signed(logs), _points(points), "")
    rise = _points(breakdown.probability - base)
    table.add_row(
        "[bold]sum[/bold]", _signed(breakdown.log_odds), rise, _share(breakdown.probability),
        end_section=True,
    )  # fmt: skip
    console.print(table)
    console.print(
        "  points are parts of 100, shared out in proportion to the log-odds so that they add up",
        markup=False,
    )
    for line in _proofs(found, breakdown):
        console.print(f"  {line}", markup=False)


def _share(share: float) -> str:
    return f"{100 * share:.2f} %"


def _proofs(found: AccountExplanation, breakdown: Breakdown) -> Iterable[str]:
    yield f"1 / (1 + exp({_exact(-breakdown.log_odds)})) = {breakdown.probability:.12f}"
    yield f"the model itself, without contributions: {breakdown.direct:.12f} (equal to 1e-9)"
    published = found.published
    if published is None:
        yield "the served ranking says nothing about this day and contract"
        return
    told = f"published in snapshot {published.snapshot_id}: {published.probability:.12f}"
    if found.is_published:
        yield f"{told} (equal to 1e-9)"
    elif breakdown.bundle.copy == "judged":
        yield f"{told}, by version {published.version} of the model, which was in use then"
    elif published.version != breakdown.bundle.card.version:
        yield f"{told}, by version {published.version} of the model: keepwell score renews it"
    else:
        yield f"{told}, DIFFERENT: the tables or the configuration changed since; keepwell score"


def _exact(value: float) -> str:
    return f"{value:.9f}".replace("-", _MINUS)


def _show_model(console: Console, found: Breakdown) -> None:
    card = found.bundle.card
    copy = ", the copy that was judged" if found.bundle.copy == "judged" else ""
    for line in (
        f"{card.model} model, version {card.version}{copy}, made {card.created_at:%Y-%m-%d}",
        f"learnt from {card.rows:,} rows as of {card.first_as_of} to {card.last_as_of}",
        f"{card.positives:,} of these rows were lost; it knows nothing from {card.data_end} on",
        f"what it predicts: {card.label}",
    ):
        console.print(f"  {line}", markup=False)
