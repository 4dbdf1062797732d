"""The oracle's measures: levels, flows, and how they moved."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_money import change, sum_known
from tests.property.oracle_record import mean
from tests.property.oracle_use import known_measures, window_days

Value = float | str | None


def measure_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    """Every feature of every declared measure."""
    found: dict[str, Value] = {}
    for name, declared in company.settings["measures"].items():
        rows = known_measures(company, account_id, name, as_of)

        def values(length: int, back: int = 0, rows: list[Row] = rows) -> list[float]:
            days = window_days(as_of, length, back)
            return [row["value"] for row in rows if row["day"] in days]

        ages = [(as_of - row["day"]).days for row in rows]
        if declared["kind"] == "flow":
            found[f"{name}_28d"] = sum_known(values(28))
            found[f"{name}_91d"] = sum_known(values(91))
            found[f"{name}_change_28d"] = change(sum_known(values(28)), sum_known(values(28, 28)))
            recent, usual = sum_known(values(28)), sum_known(values(91, 28))
            moved = change(recent, usual)
            is_old = max(ages, default=0) >= 119
            scaled = None if moved is None else (moved + 1) * 91 / 28 - 1
            found[f"{name}_vs_usual"] = scaled if is_old else None
            continue
        latest = max(((row["day"], row["known"], row["value"]) for row in rows), default=None)
        best = max(values(182), default=0.0)
        found[f"{name}_level"] = latest[2] if latest else None
        found[f"{name}_age_days"] = min(ages, default=None)
        found[f"{name}_change_28d"] = change(mean(values(28)), mean(values(28, 28)))
        found[f"{name}_vs_usual"] = change(mean(values(28)), mean(values(91, 28)))
        found[f"{name}_vs_best_182d"] = change(latest[2], best) if latest and best > 0 else None
    return found
