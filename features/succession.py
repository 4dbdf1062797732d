"""Primitives of an account's renewals so far: how often, and for more or for less.

A renewal here is a term that follows another one, as known before the as-of date, and has begun by
it. Money is compared in the contracts' own currency; within 1 % it is the same.
"""

from __future__ import annotations

from collections.abc import Mapping

from features.family import Family, Figure, Given, figure_columns

SAME = 0.01
_MONEY = ("contracts.arr|mrr",)


def _if_whole(known: str, value: str) -> str:
    """Null where one of the renewals cannot be compared: part is not the whole."""
    return f"CASE WHEN count(before_id) = count({known}) THEN {value} END"


_MORE, _LESS = f"growth > {1 + SAME}", f"growth < {1 - SAME}"
FIGURES: Mapping[str, Figure] = {
    "succession.renewals": Figure("count(before_id)"),
    "succession.expansions": Figure(
        _if_whole("growth", f"count(*) FILTER (WHERE {_MORE})"), _MONEY
    ),
    "succession.reductions": Figure(
        _if_whole("growth", f"count(*) FILTER (WHERE {_LESS})"), _MONEY
    ),
    "succession.days_since_expansion": Figure(
        f"date_diff('day', max(start_date) FILTER (WHERE {_MORE}), as_of)", _MONEY
    ),
    "succession.days_since_reduction": Figure(
        f"date_diff('day', max(start_date) FILTER (WHERE {_LESS}), as_of)", _MONEY
    ),
    "succession.plan_changes": Figure(
        _if_whole("other_plan", "count(*) FILTER (WHERE other_plan)"), ("contracts.plan",)
    ),
}


def build_succession(given: Given) -> str:
    """Create ``succession_primitive``, one row per (account, as-of date), and return its name.

    Parameters
    ----------
    given : Given
        Holds ``known_term`` and ``row_account``.
    """
    given.connection.execute(
        f"""CREATE OR REPLACE TABLE succession_primitive AS
        WITH renewal AS (
            SELECT term.account_id, term.as_of AS seen_on, term.before_id, term.start_date,
                   term.plan <> earlier.plan AS other_plan,
                   CASE WHEN term.currency IS NOT DISTINCT FROM term.before_currency
                        THEN term.arr / NULLIF(term.before_arr, 0) END AS growth
            FROM known_term AS term JOIN known_term AS earlier
              ON earlier.contract_id = term.before_id AND earlier.as_of = term.as_of
            WHERE term.start_date <= term.as_of)
        SELECT row_account.account_id, row_account.as_of, {figure_columns(FIGURES)}
        FROM row_account LEFT JOIN renewal
          ON renewal.account_id = row_account.account_id AND renewal.seen_on = row_account.as_of
        GROUP BY row_account.account_id, row_account.as_of"""
    )
    return "succession_primitive"


FAMILY = Family(("contracts",), FIGURES, build_succession)
