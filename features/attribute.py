"""Attributes: columns of accounts and contracts that are features as they stand.

Those of ``BUILT_IN`` are in the catalogue; others the configuration declares. An attribute of
accounts counts only where its value on the as-of date is known: the query gives ``known_at``, or
the configuration declares it constant. Contracts carry their own date.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from features.dialect import SqlEngine
from features.family import Columns, is_constant, is_dated
from features.settings import CompanySettings
from features.version import is_latest, versions

Kind = Literal["number", "category"]
BUILT_IN: Mapping[str, Kind] = {
    "product_fit": "number",
    "planned_fit": "number",
    "cost_to_acquire": "number",
    "employees": "number",
    "industry": "category",
    "segment": "category",
    "account_tier": "category",
}
# They name a person or an account: a driver's text would tell it to whoever reads scores.
NAMES = frozenset(
    f"{table}{name}"
    for table in ("", "accounts.", "contracts.")
    for name in ("owner", "name", "account_id", "external_id")
)
# Declared to say how a column is read by other features; no feature as it stands.
NO_FEATURE = frozenset({"users.role", "parent_id", "accounts.parent_id"}) | NAMES


def usable_attributes(settings: CompanySettings, columns: Columns) -> dict[str, str]:
    """Attribute name to the table whose column may be used as a feature, point-in-time.

    Parameters
    ----------
    settings : CompanySettings
    columns : mapping of str to frozenset of str
        The columns that each table has.
    """
    usable = {
        name: "accounts"
        for name in BUILT_IN
        if name in columns.get("accounts", frozenset())
        and is_dated("accounts", name, settings, columns)
    }
    for key in settings.attributes:  # in their order: a set's would differ from run to run
        if key in NO_FEATURE:
            continue
        wanted_table, _, name = key.rpartition(".")
        for table in (wanted_table,) if wanted_table else ("accounts", "contracts"):
            if table == "users" or name not in columns.get(table, frozenset()):
                continue
            if table == "contracts" or is_dated(table, name, settings, columns):
                usable.setdefault(name, table)
                break
    return usable


def attribute_kind(name: str, table: str, settings: CompanySettings) -> Kind:
    """Whether an attribute is a number or a category: what is built in, else what is declared."""
    if table == "accounts" and name in BUILT_IN:
        return BUILT_IN[name]
    spec = settings.attributes.get(name) or settings.attributes[f"{table}.{name}"]
    return spec.kind


def build_attributes(
    connection: SqlEngine, settings: CompanySettings, usable: Mapping[str, str]
) -> str:
    """Create ``attribute_primitive``, one row per ``row_key``, and return its name.

    Parameters
    ----------
    connection : SqlEngine
        Holds ``accounts``, ``contracts`` where one of its columns is wanted, and ``row_key``.
    settings : CompanySettings
    usable : mapping of str to str
        As ``usable_attributes`` says, and not empty.
    """
    of_account = [name for name, table in usable.items() if table == "accounts"]
    of_contract = [name for name, table in usable.items() if table == "contracts"]
    constant = [name for name in of_account if is_constant("accounts", name, settings)]
    dated = [name for name in of_account if name not in constant]
    version = versions("accounts", ("account_id",), of_account)
    wanted = [
        ("of_contract", of_contract, "contracts",
         "of_contract.contract_id = row_key.contract_id"),
        ("always", constant, version,
         "always.account_id = row_key.account_id AND always.next_day IS NULL"),
        ("dated", dated, version,
         f"dated.account_id = row_key.account_id AND {is_latest('dated', 'row_key.as_of')}"),
    ]  # fmt: skip
    selected, joins = "", ""
    for alias, names, relation, condition in wanted:
        for name in names:
            kind = attribute_kind(name, usable[name], settings)
            typed = "DOUBLE" if kind == "number" else "VARCHAR"
            selected += f", CAST({alias}.{name} AS {typed}) AS attribute__{name}"
        joins += f" LEFT JOIN {relation} AS {alias} ON {condition}" if names else ""
    connection.execute(
        f"CREATE OR REPLACE TABLE attribute_primitive AS SELECT row_key.account_id, "
        f"row_key.contract_id, row_key.as_of{selected} FROM row_key{joins}"
    )
    return "attribute_primitive"
