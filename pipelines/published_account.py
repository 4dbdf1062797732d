"""One account as the served ranking tells it, where no tables are there to explain it from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from features.errors import InputError, Problem
from models.account_score import AccountScore, Driver
from models.store import SnapshotStore
from pipelines.home import Home
from pipelines.presentation import percent

LIMITS = (
    "This is what was published: the strongest drivers by name, the others as one sum. The table "
    "is not kept, so how the values came about is for whoever has it to say."
)


@dataclass(frozen=True)
class PublishedAccount:
    """An account of the served ranking.

    Parameters
    ----------
    company, snapshot_id : str
    as_of : date or None
        None where nobody knows it.
    score : AccountScore
        As it was published.
    """

    company: str
    snapshot_id: str
    as_of: date | None
    score: AccountScore

    @property
    def log_odds(self) -> float | None:
        """Base and all contributions summed; None without a probability."""
        base = self.score.base_log_odds
        return None if base is None else base + math.fsum(self.score.contributions.values())

    @property
    def others(self) -> tuple[float, float]:
        """Log-odds and points of all features that are not among the drivers."""
        drivers, groups = self.score.drivers, self.score.groups
        return (
            math.fsum(g.contribution for g in groups) - math.fsum(d.contribution for d in drivers),
            math.fsum(g.points for g in groups) - math.fsum(d.points or 0.0 for d in drivers),
        )

    def to_json(self) -> dict[str, object]:
        """What ``keepwell explain ACCOUNT --company NAME --json`` prints."""
        score, (contribution, points) = self.score, self.others
        found: dict[str, object] = {
            "company": self.company,
            "snapshot_id": self.snapshot_id,
            "as_of": self.as_of,
            "account_id": score.account_id,
            "probability": score.loss_probability,
            "probability_interval": score.loss_probability_interval,
            "risk_tier": score.risk_tier,
            "abstained": score.abstained,
            "arr": score.arr,
            "arr_at_risk": score.arr_at_risk,
            "currency": score.currency,
            "limits": LIMITS,
        }
        if score.loss_probability is None:
            return found
        return {
            **found,
            "base_log_odds": score.base_log_odds,
            "base_probability": score.base_probability,
            "drivers": [driver.explanation() for driver in score.drivers],
            "others": {"contribution": contribution, "points": points},
            "log_odds": self.log_odds,
        }


def read_published(home: Home, company: str, account_id: str) -> PublishedAccount:
    """The account in the ranking that is served.

    Raises
    ------
    InputError
        When another company is served, or the account is not in the ranking.
    """
    with SnapshotStore(home.store_url) as store:
        header, score = store.current_account(account_id) or (None, None)
    if header is None or header.company != company:
        served = "nothing" if header is None else f"the company {header.company}"
        rule = f"{home.folder} serves {served}, so there is no ranking of {company} to explain"
        remedy = "train until a model is promoted, or name the KEEPWELL_HOME that serves it"
        raise InputError([Problem("--company", "", rule, remedy=remedy)])
    if score is None:
        rule = f"{account_id} is not among the {header.accounts:,} accounts of the served ranking"
        remedy = "accounts that have left are not ranked; look at the id in the table"
        raise InputError([Problem(company, "account_id", rule, remedy=remedy)])
    return PublishedAccount(company, header.snapshot_id, header.as_of, score)


def show_published(console: Console, found: PublishedAccount) -> None:
    """The probability first, then the sum that makes it.

    Parameters
    ----------
    console : Console
    found : PublishedAccount
    """
    score = found.score
    day = "a table without dates" if found.as_of is None else f"as of {found.as_of}"
    name = f" {score.name}" if score.name else ""
    console.print(
        f"{score.account_id}{name}, {found.company}, {day}, snapshot {found.snapshot_id}",
        markup=False,
    )
    if score.loss_probability is None:
        why = (score.abstained or score.state).replace("_", " ")
        console.print(f"  no probability: {why}", markup=False)
        return
    ends = "-".join(f"{100 * end:.0f}" for end in score.loss_probability_interval or ())
    beside = ", ".join(filter(None, (ends, score.risk_tier)))
    console.print(f"  chance of loss: {percent(score.loss_probability)} ({beside})", markup=False)
    if score.arr_at_risk is not None and score.arr is not None:
        console.print(
            f"  ARR {score.currency} {score.arr:,.0f}, of it at risk {score.currency} "
            f"{score.arr_at_risk:,.0f} (an expected loss)",
            markup=False,
        )
    console.print(_sum(found, score.drivers))
    console.print(f"  {LIMITS}", markup=False, soft_wrap=True)


def _sum(found: PublishedAccount, drivers: Sequence[Driver]) -> Table:
    """Base, drivers, all others, and what they add up to."""
    score, (contribution, points) = found.score, found.others
    base, end = score.base_probability or 0.0, score.loss_probability or 0.0
    table = Table()
    table.add_column("")
    for title in ("log-odds", "points", "probability"):
        table.add_column(title, justify="right")
    table.add_row("base", f"{score.base_log_odds:+.3f}", "", f"{100 * base:.2f} %")
    for driver in drivers:
        told = (f"{driver.contribution:+.3f}", f"{100 * (driver.points or 0.0):+.2f}")
        table.add_row(escape(driver.text), *told, "")
    table.add_row("all other columns", f"{contribution:+.3f}", f"{100 * points:+.2f}", "")
    rise = f"{100 * (end - base):+.2f}"
    table.add_row("sum", f"{found.log_odds:+.3f}", rise, f"{100 * end:.2f} %")
    return table
