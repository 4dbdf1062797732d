"""Ids in the CRM: each must name one account, in whichever of its forms it is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import duckdb

from features.errors import Problem
from features.salesforce import to_long_id

RULE = "must name one account, but several accounts have the same"
REMEDY = "give each account the id of its own record in the CRM, or none"
_EXAMPLES = 3
# The latest row of each account whose id, or the first 15 characters of it, occurs again.
_SUSPECTS = """
    WITH latest AS (
        SELECT account_id, external_id,
               CASE WHEN length(external_id) IN (15, 18) THEN left(external_id, 15)
                    ELSE external_id END AS start
        FROM typed_accounts
        QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY {known} DESC NULLS LAST) = 1
    )
    SELECT account_id, external_id FROM latest
    WHERE account_id IS NOT NULL AND external_id IS NOT NULL
    QUALIFY count(*) OVER (PARTITION BY start) > 1
"""


def check_external_ids(
    connection: duckdb.DuckDBPyConnection, tables: Collection[str]
) -> list[Problem]:
    """Accounts that share an id in the CRM, where a caller could not tell which one is meant.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Holds the typed views.
    tables : collection of str
        Those to check.
    """
    if "accounts" not in tables:
        return []
    columns = {row[0] for row in connection.execute("DESCRIBE typed_accounts").fetchall()}
    if "external_id" not in columns:
        return []
    known = "known_at" if "known_at" in columns else "account_id"
    suspects = connection.execute(_SUSPECTS.format(known=known)).fetchall()
    accounts = find_shared((str(name), str(other)) for name, other in suspects)
    if not accounts:
        return []
    examples = tuple(accounts[:_EXAMPLES])
    return [Problem("accounts", "external_id", RULE, len(accounts), examples, REMEDY)]


def find_shared(ids: Iterable[tuple[str, str]]) -> list[str]:
    """The accounts that share an id in the CRM with another one, sorted.

    Parameters
    ----------
    ids : iterable of (account id, external id)
        One per account. A Salesforce id is the same in its forms of 15 and of 18 characters; case
        tells ids apart.
    """
    owners: dict[str, set[str]] = {}
    for account_id, external_id in ids:
        owners.setdefault(to_long_id(external_id) or external_id, set()).add(account_id)
    return sorted({one for shared in owners.values() if len(shared) > 1 for one in shared})
