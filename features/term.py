"""Terms of contracts: what was known of them on a date, what follows what, and how it ended.

Two views of the same contracts. *As known* on an as-of date: only contracts known before it, with
early ends and notices only once they were known; cohorts and features read this view. *In
hindsight*: everything up to the data's end; labels read this one and nothing else does.
"""

from __future__ import annotations

import duckdb

FOREVER = "DATE '9999-12-31'"
_END = f"least(coalesce(end_date, {FOREVER}), coalesce(terminated_at, {FOREVER}))"
# What a contract renews counts only where that is another contract of the account, in the table.
_CONTRACTS = """(
    SELECT own.*, named.known_day AS renews_known_day FROM contracts AS own
    LEFT JOIN contracts AS named ON named.contract_id = own.renews
     AND named.account_id = own.account_id AND named.contract_id <> own.contract_id)"""
_KNOWN_END = (
    f"least(coalesce(end_date, {FOREVER}), "
    f"CASE WHEN terminated_at < as_of THEN terminated_at ELSE {FOREVER} END)"
)


def build_terms(connection: duckdb.DuckDBPyConnection, *, grace_days: int) -> None:
    """Create ``term``: every contract in hindsight.

    ``actual_end`` is exclusive, 9999-12-31 for evergreen. ``successor_id``, ``successor_arr`` and
    ``successor_currency`` are null when nothing followed by the end plus ``grace_days``. A contract
    of zero length is never active and follows nothing, nor does one that became known only after
    that grace: the label was known by then. For the same reason a contract that names one which
    became known only later names none.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``contracts``.
    grace_days : int
        A successor starts at most this many days after the end.
    """
    known_by = f"coalesce(term.end_date, {FOREVER} - {grace_days}) + {grace_days}"
    names = _named("later", f"<= {known_by}")
    connection.execute(
        f"""CREATE OR REPLACE TABLE term AS
        WITH ended AS (SELECT *, {_END} AS actual_end FROM {_CONTRACTS})
        SELECT term.*, later.contract_id AS successor_id, later.arr AS successor_arr,
               later.currency AS successor_currency
        FROM ended AS term LEFT JOIN ended AS later
          ON later.account_id = term.account_id AND later.start_date < later.actual_end
         AND later.known_day <= {known_by}
         AND {follows("later", "term", grace_days, names=names)}
        QUALIFY row_number() OVER (
            PARTITION BY term.contract_id
            ORDER BY coalesce({names} = term.contract_id, FALSE) DESC,
                     later.start_date, later.actual_end, later.contract_id) = 1"""
    )


def build_stays(connection: duckdb.DuckDBPyConnection, *, grace_days: int) -> None:
    """Create ``stay``: the account's unbroken times as a customer, in hindsight.

    A contract counts from its start, at the earliest from the day it was known: whether an account
    left is told by what was known once the grace was over.

    One row per unbroken time, from ``stay_start`` to ``stay_end`` (exclusive). Gaps of at most
    ``grace_days`` do not break it, and parallel contracts end it only with the last of them.
    """
    connection.execute(
        f"""CREATE OR REPLACE TABLE stay AS
        WITH ended AS (
            SELECT * REPLACE (greatest(start_date, known_day) AS start_date), {_END} AS actual_end
            FROM contracts),
        reached AS (
            SELECT *, max(actual_end) OVER (
                PARTITION BY account_id ORDER BY start_date, contract_id
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_end
            FROM ended WHERE start_date < actual_end),
        begun AS (
            SELECT *, CASE WHEN before_end < {FOREVER} AND start_date > before_end + {grace_days}
                           THEN 1 ELSE 0 END AS anew
            FROM reached),
        numbered AS (
            SELECT *, sum(anew) OVER (
                PARTITION BY account_id ORDER BY start_date, contract_id
                ROWS UNBOUNDED PRECEDING) AS stay_number
            FROM begun)
        SELECT account_id, min(start_date) AS stay_start, max(actual_end) AS stay_end
        FROM numbered GROUP BY account_id, stay_number"""
    )


def _named(contract: str, known: str) -> str:
    """The SQL of the contract that one renews; null when that one is not known by then."""
    return f"CASE WHEN {contract}.renews_known_day {known} THEN {contract}.renews END"


def follows(later: str, term: str, grace_days: int, *, names: str) -> str:
    """The SQL condition that contract ``later`` follows contract ``term``.

    Both are aliases of relations with ``contract_id``, ``start_date``, ``actual_end`` of one
    account; ``names`` is the SQL of the contract that the later one renews. The follower names the
    term; or it names none, starts later and ends later. In both cases it starts by the term's end
    plus grace. A contract that renews another one, or that starts together with the term, runs
    beside it.
    """
    return f"""{later}.contract_id <> {term}.contract_id
          AND {term}.actual_end < {FOREVER}
          AND {later}.start_date <= {term}.actual_end + {grace_days}
          AND (coalesce({names} = {term}.contract_id, FALSE)
               OR ({names} IS NULL AND {later}.start_date > {term}.start_date
                   AND {later}.actual_end > {term}.actual_end))"""


def remains_customer(grace_days: int) -> str:
    """The SQL condition that a row of ``known_term`` that began makes its account a customer.

    It runs, or ended at most ``grace_days`` ago and nobody knows yet what comes of it.
    """
    return f"""(as_of < actual_end
               OR (as_of <= actual_end + {grace_days} AND NOT termination_known
                   AND NOT successor_known AND NOT notice_known))"""


def build_known_terms(connection: duckdb.DuckDBPyConnection, *, grace_days: int) -> None:
    """Create ``known_term``: every contract on every as-of date on which it was known.

    One row per (contract, ``as_of``) with ``actual_end`` and ``renews`` as known that day,
    ``decision_date`` (agreed end minus notice period; null for evergreen), ``notice_known``,
    ``successor_known``,
    ``terms_before`` and the term before (``before_id``, ``before_arr``, ``before_seats``,
    ``before_currency``).

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds ``contracts`` and ``as_of_date`` (``as_of``: the dates wanted).
    """
    connection.execute(
        f"""CREATE OR REPLACE TABLE known_end AS
        SELECT as_of,
               contract.* EXCLUDE (terminated_at, notice_given_at, renews, renews_known_day),
               {_named("contract", "< as_of")} AS renews, {_KNOWN_END} AS actual_end,
               end_date - CAST(coalesce(notice_days, 0) AS INTEGER) AS decision_date,
               coalesce(terminated_at < as_of, FALSE) AS termination_known,
               coalesce(notice_given_at < as_of, FALSE) AS notice_known
        FROM {_CONTRACTS} AS contract JOIN as_of_date ON contract.known_day < as_of
        WHERE start_date < {_KNOWN_END}"""
    )
    same = "later.account_id = term.account_id AND later.as_of = term.as_of"
    before = """(later.renews = earlier.contract_id
                 OR (later.renews IS NULL AND earlier.start_date < later.start_date
                     AND earlier.actual_end >= later.start_date - {grace}))"""
    connection.execute(
        f"""CREATE OR REPLACE TABLE known_term AS
        WITH followed AS (
            SELECT DISTINCT term.as_of, term.contract_id
            FROM known_end AS term JOIN known_end AS later
              ON {same} AND {follows("later", "term", grace_days, names="later.renews")}),
        preceded AS (
            SELECT later.as_of, later.contract_id, earlier.contract_id AS before_id,
                   earlier.arr AS before_arr, earlier.seats AS before_seats,
                   earlier.currency AS before_currency
            FROM known_end AS later JOIN known_end AS earlier
              ON earlier.account_id = later.account_id AND earlier.as_of = later.as_of
             AND earlier.contract_id <> later.contract_id AND {before.format(grace=grace_days)}
            QUALIFY row_number() OVER (
                PARTITION BY later.as_of, later.contract_id
                ORDER BY earlier.start_date DESC, earlier.contract_id DESC) = 1)
        SELECT known_end.*, followed.contract_id IS NOT NULL AS successor_known,
               before_id, before_arr, before_seats, before_currency,
               rank() OVER (PARTITION BY known_end.account_id, known_end.as_of
                            ORDER BY start_date) - 1 AS terms_before
        FROM known_end
        LEFT JOIN followed USING (as_of, contract_id)
        LEFT JOIN preceded USING (as_of, contract_id)"""
    )
