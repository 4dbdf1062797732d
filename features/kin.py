"""Primitives of kin: other accounts under the same parent, and how many of them left."""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, figure_columns, is_constant
from features.version import is_latest, versions

LEFT_DAYS = 365
FIGURES: Mapping[str, Figure] = {
    "kin.siblings": Figure("count(last_end)", ("accounts.parent_id",)),
    "kin.left": Figure(
        f"count(*) FILTER (WHERE last_end <= as_of AND last_end >= as_of - {LEFT_DAYS})",
        ("accounts.parent_id",),
    ),
}


def build_kin(given: Given) -> str:
    """Create ``kin_primitive``, one row per (account, as-of date), and return its name.

    A sibling has the same parent as known on the as-of date, and a contract begun by then. It left
    when none of its contracts known then runs or is still to begin.

    Parameters
    ----------
    given : Given
        Holds ``accounts``, ``known_term`` and ``row_account``.
    """
    version = versions("accounts", ("account_id",), ("parent_id",))
    constant = is_constant("accounts", "parent_id", given.settings)

    def counts(alias: str, as_of: str) -> str:
        return f"{alias}.next_day IS NULL" if constant else is_latest(alias, as_of)

    given.connection.execute(
        f"""CREATE OR REPLACE TABLE kin_primitive AS
        WITH version AS (SELECT * FROM {version} AS every_version),
        own AS (
            SELECT row_no, row_account.account_id, row_account.as_of, parent_id
            FROM row_account JOIN version ON version.account_id = row_account.account_id
            WHERE {counts("version", "row_account.as_of")}),
        stay AS (
            SELECT account_id, as_of AS seen_on, max(actual_end) AS last_end
            FROM known_term GROUP BY account_id, as_of HAVING min(start_date) <= as_of),
        sibling AS (
            SELECT own.row_no, stay.last_end
            FROM own JOIN version
              ON version.parent_id = own.parent_id AND version.account_id <> own.account_id
            JOIN stay ON stay.account_id = version.account_id AND stay.seen_on = own.as_of
            WHERE {counts("version", "own.as_of")})
        SELECT row_account.account_id, row_account.as_of, {figure_columns(FIGURES)}
        FROM row_account LEFT JOIN sibling ON sibling.row_no = row_account.row_no
        GROUP BY row_account.account_id, row_account.as_of"""
    )
    return "kin_primitive"


FAMILY = Family(("accounts", "contracts"), FIGURES, build_kin)
