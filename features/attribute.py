"""Attributes: columns that the configuration declares as features.

An attribute of accounts or users counts only where its value on the as-of date is known: the
query gives ``known_at``, or the configuration declares it constant. Contracts carry their own date.
"""

from __future__ import annotations

import duckdb

from features.settings import CompanySettings


def usable_attributes(
    settings: CompanySettings, columns: dict[str, frozenset[str]]
) -> dict[str, str]:
    """Attribute name to the table whose column may be used as a feature, point-in-time.

    Parameters
    ----------
    settings : CompanySettings
    columns : dict of str to frozenset of str
        The columns that each table has.
    """
    usable = {}
    for key, spec in settings.attributes.items():
        wanted_table, _, name = key.rpartition(".")
        for table in (wanted_table,) if wanted_table else ("accounts", "contracts"):
            present = columns.get(table, frozenset())
            if (
                table != "users"
                and name in present
                and (table == "contracts" or spec.constant or "known_at" in present)
            ):
                usable[name] = table
                break
    return usable


def build_attributes(
    connection: duckdb.DuckDBPyConnection, settings: CompanySettings, usable: dict[str, str]
) -> str:
    """Create ``attribute_primitive``, one row per ``row_key``, and return its name."""
    of_account = [name for name, table in usable.items() if table == "accounts"]
    of_contract = [name for name, table in usable.items() if table == "contracts"]
    versioned = [f"of_account.{name} AS attribute__{name}" for name in of_account]
    carried = [f"of_contract.{name} AS attribute__{name}" for name in of_contract]
    columns = "".join(f", {column}" for column in versioned + carried)
    latest = ", ".join(f"{_latest(name, settings)} AS {name}" for name in of_account)
    accounts = (
        f"""LEFT JOIN (
            SELECT accounts.account_id, as_of, {latest}
            FROM accounts JOIN row_account USING (account_id) GROUP BY ALL
        ) AS of_account USING (account_id, as_of)"""
        if of_account
        else ""
    )
    contracts = "LEFT JOIN contracts AS of_contract USING (contract_id)" if of_contract else ""
    connection.execute(
        f"""CREATE OR REPLACE TABLE attribute_primitive AS
        SELECT row_key.account_id, row_key.contract_id, row_key.as_of{columns}
        FROM row_key {accounts} {contracts}"""
    )
    return "attribute_primitive"


def _latest(name: str, settings: CompanySettings) -> str:
    """The latest value known before the as-of date; of a constant, the latest of all."""
    spec = settings.attributes.get(name) or settings.attributes[f"accounts.{name}"]
    value = f"CAST({name} AS DOUBLE)" if spec.kind == "number" else f"CAST({name} AS VARCHAR)"
    known = "" if spec.constant else " FILTER (WHERE known_day < as_of)"
    return f"arg_max_null({value}, coalesce(known_day, DATE '0001-01-01')){known}"
