"""What people see of a forecast: the basis first, the quarters, and how it fared before."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from models.forecast_backtest import Coverage
from models.forecast_report import ForecastReport, Quarter
from models.retention import Outlook

_MONEY = {
    "arr_up_for_renewal": "up for renewal",
    "renewed_arr": "renewed",
    "lost_arr": "lost",
    "contraction_arr": "contraction",
    "expansion_arr": "expansion",
}
_SHARES = {
    "grr": "GRR of what is up",
    "nrr": "NRR of what is up",
    "grr_of_opening": "GRR of all ARR",
    "nrr_of_opening": "NRR of all ARR",
}
_OUT = {
    "superseded": "whose successor runs already and stands in their place",
    "no_agreed_end": "without an agreed end: never up for renewal, so in no figure here",
    "arr_unknown": "whose ARR is not known, so in no figure here",
}
DEFINITIONS = """\
  Up for renewal: ARR at the quarter's begin of the contracts with an agreed end in it, each once.
  Renewed = up for renewal - lost - contraction. GRR = renewed / up for renewal, at most 100 %;
  NRR = (renewed + expansion) / up for renewal. Of all ARR: lost, contraction and expansion are the
  same, over the ARR of all contracts of the forecast at the quarter's begin. No new customers, no
  further contracts beside the running ones, no change within a term. Intervals: 80 %."""


def show_forecast(console: Console, report: ForecastReport) -> None:
    """Print a forecast."""
    console.print(f"[bold]forecast[/bold]: {report.basis_reason}", soft_wrap=True)
    table = Table(
        title=f"{report.company} as of {report.as_of}, {report.currency}, with 80 % intervals",
        title_justify="left",
    )
    table.add_column("")
    for quarter in report.quarters:
        table.add_column(_title(quarter), justify="right")
    for name, title in _MONEY.items():
        cells = (_amount(quarter.measures[name]) for quarter in report.quarters)
        table.add_row(title, *cells)
    for name, title in _SHARES.items():
        cells = (_percent(quarter.measures[name]) for quarter in report.quarters)
        table.add_row(title, *cells)
    console.print(table)
    grr, nrr = report.horizon["grr_of_opening"], report.horizon["nrr_of_opening"]
    span = f"{len(report.quarters)} quarters together"
    console.print(f"  {span}: GRR of all ARR {_flat(grr)}, NRR of all ARR {_flat(nrr)}")
    console.print(DEFINITIONS, markup=False)
    _show_contracts(console, report)
    _show_coverage(console, report)


def _title(quarter: Quarter) -> str:
    number = (quarter.until.month - 2) % 12 // 3 + 1
    return f"{quarter.begin.year} Q{number}\nfrom {quarter.begin}"


def _amount(outlook: Outlook) -> str:
    low, high = outlook.intervals[80]
    if outlook.expected != outlook.expected:
        return "-"
    if low == high:
        return f"{outlook.expected:,.0f}"
    return f"{outlook.expected:,.0f}\n{low:,.0f} to {high:,.0f}"


def _percent(outlook: Outlook) -> str:
    low, high = outlook.intervals[80]
    if outlook.expected != outlook.expected:
        return "-"
    return f"{100 * outlook.expected:.1f} %\n{100 * low:.1f} to {100 * high:.1f}"


def _flat(outlook: Outlook) -> str:
    return _percent(outlook).replace("\n", " (") + ")"


def _show_contracts(console: Console, report: ForecastReport) -> None:
    found = report.contracts
    known = (
        f"{found['notice_given'].contracts:,} under notice count as lost, "
        f"{found['successor_signed'].contracts:,} with a signed successor and "
        f"{found['auto_renewed'].contracts:,} past their decision date that renew by themselves "
        "as renewed"
    )
    open_ = (
        f"{found['by_model'].contracts:,} open contracts by the model, "
        f"{found['by_rates'].contracts:,} by rates"
    )
    console.print(f"  {open_}; {known}.", markup=False, soft_wrap=True)
    strange = found["by_rates_of_other_kinds"].contracts
    if strange:
        console.print(
            f"  {strange:,} of those by rates are of a length of which fewer than ten terms "
            "matured: theirs are the rates of other lengths, with wide intervals.",
            markup=False,
            soft_wrap=True,
        )
    for name, words in _OUT.items():
        if found[name].contracts:
            arr = found[name].arr
            money = "" if arr is None else f", ARR {arr:,.0f},"
            left_out = f"  Left out: {found[name].contracts:,} contracts{money} {words}."
            console.print(left_out, markup=False, soft_wrap=True)


def _show_coverage(console: Console, report: ForecastReport) -> None:
    if not report.by_month:
        console.print(
            "  Not backtested: there is no past quarter with enough matured terms before it.",
            markup=False,
        )
        return
    console.print(
        f"  Replayed as of {len(report.origins)} month starts with what was known then, "
        f"{report.origins[0]} to {report.origins[-1]}, {report.origins_by_model} with the model. "
        "Few quarters: take coverage as a hint; month starts overlap.",
        markup=False,
        soft_wrap=True,
    )
    table = Table(title="share of past intervals that held what came", title_justify="left")
    for title in ("measure", "quarters ahead"):
        table.add_column(title)
    for title in (
        *("80 %, quarter starts", "95 %", "n", "80 %, month starts", "95 %", "n"),
        *("expected less actual, month starts",),
    ):
        table.add_column(title, justify="right")
    for monthly in report.by_month:
        if monthly.ahead in (1, 4):
            cells = (*_coverage(_find(report.by_quarter, monthly)), *_coverage(monthly))
            bias = f"{monthly.bias:+,.0f}" if monthly.measure.endswith("_arr") else (
                f"{100 * monthly.bias:+.1f} points"
            )  # fmt: skip
            table.add_row(monthly.measure, str(monthly.ahead), *cells, bias)
    console.print(table)


def _find(found: Sequence[Coverage], like: Coverage) -> Coverage | None:
    same = [c for c in found if (c.measure, c.ahead) == (like.measure, like.ahead)]
    return same[0] if same else None


def _coverage(found: Coverage | None) -> tuple[str, ...]:
    if found is None:
        return "-", "-", "0"
    return *(f"{100 * share:.0f} %" for share in found.share), str(found.n)
