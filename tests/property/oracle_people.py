"""The oracle's people: key users, who came and who went."""

from __future__ import annotations

from datetime import date

from tests.property.company import Company, Row
from tests.property.oracle_contract import is_known
from tests.property.oracle_record import is_in
from tests.property.oracle_use import known_usage, window_days

Value = float | str | None
KEY_ROLES = ("champion", "executive", "admin", "contact")


def known_people(company: Company, account_id: str, as_of: date) -> list[Row]:
    """The latest known version of each user of the account."""
    always = company.settings["attributes"].get("users.role", {}).get("constant", False)
    latest: dict[str, tuple[date, Row]] = {}
    for row in company.tables["users"]:
        known = row.get("known_at") or row["activated_at"]
        if always and known is None:
            known = date.min
        if row["account_id"] != account_id or not is_known(known, as_of):
            continue
        if row["user_id"] not in latest or known > latest[row["user_id"]][0]:
            latest[row["user_id"]] = (known, row)
    return [row for _, row in latest.values()]


def is_gone(person: Row, as_of: date) -> bool:
    """Whether the user is deactivated by now."""
    return is_known(person["deactivated_at"], as_of)


def key_users(company: Company, account_id: str, as_of: date) -> list[Row]:
    """The known key users, gone or not."""
    people = known_people(company, account_id, as_of)
    return [person for person in people if person["role"] in KEY_ROLES]


def activated_users(company: Company, account_id: str, as_of: date) -> int | None:
    """The users activated and not gone; missing when no user is known."""
    people = known_people(company, account_id, as_of)
    active = [p for p in people if is_known(p["activated_at"], as_of) and not is_gone(p, as_of)]
    return len(active) if people else None


def people_features(company: Company, account_id: str, as_of: date) -> dict[str, Value]:
    """Every feature of the group people that does not come from usage alone."""
    people = known_people(company, account_id, as_of)
    key = key_users(company, account_id, as_of)
    here = [person for person in key if not is_gone(person, as_of)]
    uses = known_usage(company, account_id, as_of)

    def silence(some: list[Row]) -> int | None:
        """Days since any of them last used the product."""
        ids = [person["user_id"] for person in some]
        ages = [(as_of - use["day"]).days for use in uses if use["user_id"] in ids]
        return min(ages, default=None)

    seen = [days for person in here if (days := silence([person])) is not None]
    left = [p for p in key if is_gone(p, as_of) and (as_of - p["deactivated_at"]).days <= 91]
    counts = {
        "key_users": len(here),
        "champions": len([person for person in here if person["role"] == "champion"]),
        "key_users_active": len([days for days in seen if days <= 28]),
        "key_users_silent": len([days for days in seen if days > 28]),
        "key_users_gone_91d": len(left),
    }
    found: dict[str, Value] = {name: n if key else None for name, n in counts.items()}
    found["days_since_key_user"] = silence(key)
    for role in KEY_ROLES:
        found[f"days_since_{role}"] = silence([p for p in key if p["role"] == role])
    users = activated_users(company, account_id, as_of)
    active_key = len([person for person in here if is_known(person["activated_at"], as_of)])
    found["users"] = users
    found["key_user_share"] = active_key / users if users and key else None
    for length in (28, 91):
        came = len([p for p in people if is_in(p["activated_at"], as_of, length)])
        went = len([p for p in people if is_in(p["deactivated_at"], as_of, length)])
        found[f"users_activated_{length}d"] = came if people else None
        found[f"users_deactivated_{length}d"] = went if people else None
        found[f"users_net_{length}d"] = came - went if people else None
        found[f"executive_report_days_{length}d"] = _report_days(company, key, uses, as_of, length)
    return found


def _report_days(
    company: Company, key: list[Row], uses: list[Row], as_of: date, length: int
) -> int | None:
    """The days on which one of the executives opened a report; missing without an executive."""
    executives = [person["user_id"] for person in key if person["role"] == "executive"]
    reports = {name for name, kind in company.settings["catalogue"].items() if kind.get("report")}
    opened = {u["day"] for u in uses if u["event"] in reports and u["user_id"] in executives}
    return len(opened.intersection(window_days(as_of, length))) if executives else None
