"""The oracle's voice of the customer: the answers to surveys."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_record import first_start, is_in, known_days, mean

Value = float | str | None


def survey_features(
    company: Company, account_id: str, as_of: date, key_users: list[Row]
) -> dict[str, Value]:
    """Every feature of the group voice; ``key_users`` are those known and not gone."""
    answers = known_days(company, "surveys", account_id, as_of)
    half_year = [answer for answer in answers if is_in(answer["day"], as_of, 182)]
    found: dict[str, Value] = {
        "detractors_182d": len([a for a in half_year if _is_detractor(a)]),
        "survey_responses_182d": len([a for a in half_year if a["kind"] in ("nps", "csat", "ces")]),
        "key_user_detractors": _key_detractors(answers, key_users),
    }
    for kind in ("nps", "csat", "ces", "csm_sentiment"):
        readings = _readings([answer for answer in answers if answer["kind"] == kind])
        latest = readings[-1] if readings else None
        found[f"{kind}_latest"] = latest[1] if latest else None
        found[f"{kind}_age_days"] = (as_of - latest[0]).days if latest else None
        found[f"{kind}_change"] = latest[1] - readings[-2][1] if latest and readings[1:] else None
        found[f"{kind}_mean_182d"] = mean(a["value"] for a in half_year if a["kind"] == kind)
    return found


def early_complaints(company: Company, account_id: str, as_of: date, days: int) -> int:
    """The low answers of the account's first days."""
    start = first_start(company, account_id, as_of)
    answers = known_days(company, "surveys", account_id, as_of)
    low = [a["day"] for a in answers if _is_detractor(a) or _is_dissatisfied(a)]
    return len([day for day in low if start is not None and 0 <= (day - start).days < days])


def _readings(answers: list[Row]) -> list[tuple[date, float]]:
    """Day by day the mean of the answers, the latest day last."""
    days = sorted({answer["day"] for answer in answers})
    found = []
    for day in days:
        values = [answer["value"] for answer in answers if answer["day"] == day]
        found.append((day, sum(values) / len(values)))
    return found


def _is_detractor(answer: Row) -> bool:
    return bool(answer["kind"] == "nps" and answer["value"] <= 6)


def _is_dissatisfied(answer: Row) -> bool:
    return bool(answer["kind"] == "csat" and answer["value"] <= 2)


def _key_detractors(answers: list[Row], key_users: list[Row]) -> int | None:
    """How many key users would not recommend it, by the last that each of them said."""
    verdicts = []
    for person in key_users:
        said = [a for a in answers if a["user_id"] == person["user_id"] and a["kind"] == "nps"]
        if said:
            last_day = max(answer["day"] for answer in said)
            worst = min(answer["value"] for answer in said if answer["day"] == last_day)
            verdicts.append(worst <= 6)
    return sum(verdicts) if verdicts else None
