"""What warned of the demo's losses, whose causes are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from models.warning_record import EARLY_DAYS, SPAN_DAYS, Episode, HeldRules, Past

# The rules that look at what each cause shows in the tables. A price rise is announced in none.
RULES: Mapping[str, tuple[str, ...]] = {
    "key_user_left": ("champion_silent", "key_users_silent", "key_user_gone"),
    "shallow_use": ("only_shallow_use", "hardly_any_value", "core_module_not_taken_up"),
    "login_decay": (
        "use_halved_in_a_week",
        "use_half_of_usual",
        "module_use_halved_in_a_week",
        "module_use_halved",
        "modules_dropped",
        "decision_in_30_days_use_falling",
        "decision_in_60_days_use_falling",
        "decision_in_90_days_use_falling",
    ),
    "slow_onboarding": (
        "onboarding_late",
        "milestones_late",
        "no_value_by_day_30",
        "no_value_by_day_90",
    ),
    "unused_seats": ("seats_unused",),
    "open_escalation": (
        "escalation_open",
        "tickets_in_first_days",
        "complaints_in_first_days",
    ),
    "vendor_silence": ("no_contact_since_go_live", "no_contact_in_mid_term"),
    "low_fit": ("poor_fit",),
    "price_rise": (),
    "chance": (),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRecord:
    """How the losses of one cause were warned of.

    Parameters
    ----------
    losses : int
        Of accounts that were watched 30 to 180 days before.
    by_its_rules, by_any : float or None
        Share 0-1 of these that was preceded by 30 days or more: by the rules that look at the
        cause, and by any urgent or soon one. None without losses.
    warnings : int
        Of its rules, opened early enough to know what followed.
    false_alarms : float or None
        Share 0-1 of these that no loss of the account followed within 180 days, for whatever cause.
    without_cause : float or None
        Share 0-1 of these on accounts in which the cause did not act when they were opened.
    """

    losses: int
    by_its_rules: float | None
    by_any: float | None
    warnings: int
    false_alarms: float | None
    without_cause: float | None

    def to_json(self) -> dict[str, object]:
        """Names as in ``keepwell demo --json``."""
        return {
            "losses": self.losses,
            "preceded_by_its_rules": self.by_its_rules,
            "preceded_by_any": self.by_any,
            "warnings": self.warnings,
            "false_alarms": self.false_alarms,
            "without_cause": self.without_cause,
        }


def measure_causes(
    held: HeldRules, company: Path, *, data_end: pd.Timestamp, runs_to_close: int
) -> dict[str, CauseRecord]:
    """How the losses of each true cause were warned of.

    Parameters
    ----------
    held : HeldRules
        On the whole grid.
    company : Path
        Folder of the demo company.
    data_end : Timestamp
        Exclusive; what is lost later is not seen.
    runs_to_close : int
    """
    losses = pd.read_parquet(company / "truth" / "loss.parquet")
    losses["lost_on"] = pd.to_datetime(losses["lost_on"])
    losses = losses[losses["lost_on"] < data_end]
    acting = _read_spells(company)
    mature_until = data_end - pd.Timedelta(days=SPAN_DAYS)
    every = Past(held, losses, mature_until)
    found = {}
    for cause, rules in RULES.items():
        own = Past(held, losses[losses["cause"] == cause], mature_until)
        mask = held.any_of(rules)
        seen = own.judge(mask, None, runs_to_close=runs_to_close)
        any_ = own.judge(held.loud, None, runs_to_close=runs_to_close)
        opened = [
            one
            for one in every.episodes(mask, runs_to_close=runs_to_close)
            if one.opened <= mature_until
        ]
        followed = [every.is_followed(one.account_id, one.opened) for one in opened]
        acts = [_acts(one, acting.get(cause, {})) for one in opened]
        found[cause] = CauseRecord(
            losses=seen.losses,
            by_its_rules=_share(seen.preceded, seen.losses) if rules else None,
            by_any=_share(any_.preceded, any_.losses),
            warnings=len(opened),
            false_alarms=None if not opened else 1 - float(np.mean(followed)),
            without_cause=None if not opened else 1 - float(np.mean(acts)),
        )
    return found


Spells = dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]


def _read_spells(company: Path) -> dict[str, Spells]:
    """By cause and account, the times in which it acted."""
    table = pd.read_parquet(company / "truth" / "cause.parquet")
    begins, ends = pd.to_datetime(table["onset"]), pd.to_datetime(table["ended"])
    found: dict[str, Spells] = {}
    rows = zip(table["cause"], table["account_id"], begins, ends.fillna(_NEVER), strict=True)
    for cause, account, begin, end in rows:
        found.setdefault(cause, {}).setdefault(account, []).append((begin, end))
    return found


_NEVER = pd.Timestamp("2200-01-01")


def _acts(warning: Episode, spells: Spells) -> bool:
    return any(begin <= warning.opened < end for begin, end in spells.get(warning.account_id, ()))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def show_causes(found: Mapping[str, CauseRecord]) -> Table:
    """The causes with most losses first, as people read them."""
    title = f"losses preceded by a warning {EARLY_DAYS} days ahead or more, by their true cause"
    table = Table(title=title, title_justify="left")
    table.add_column("cause")
    for column in (
        "losses",
        "by its own rules",
        "by any urgent or soon",
        "warnings of its rules",
        "no loss followed",
        "cause not acting",
    ):
        table.add_column(column, justify="right")
    for cause, record in sorted(found.items(), key=lambda item: -item[1].losses):
        table.add_row(
            cause,
            str(record.losses),
            _percent(record.by_its_rules),
            _percent(record.by_any),
            f"{record.warnings:,}",
            _percent(record.false_alarms),
            _percent(record.without_cause),
        )
    return table


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.0f} %"
