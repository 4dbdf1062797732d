"""Datasets: the as-of rows of a cohort with labels, slices and features, ready for a model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import pandas as pd

from features.catalogue import FACTS, Catalogue, build_catalogue
from features.cohort import build_churn_rows, build_renewal_rows
from features.engine import build_features, read_frame
from features.errors import InputError, Problem
from features.grid import as_of_dates
from features.past import build_past_rows, earlier_dates
from features.progress import Progress, silent
from features.schema import TABLES
from features.source import Source
from features.term import build_known_terms, build_stays, build_terms

ModelName = Literal["churn", "renewal"]

# Columns by which figures are always given where a company has them, beside those it names.
STANDARD_SLICES = ("segment", "account_tier", "region", "billing_period_months")
TENURE_BAND = """CASE WHEN {days} < 90 THEN '0-89 days' WHEN {days} < 365 THEN '90-364 days'
        WHEN {days} < 730 THEN '365-729 days' WHEN {days} >= 730 THEN '730 days or more' END"""


@dataclass(frozen=True)
class Dataset:
    """The rows of one cohort.

    Parameters
    ----------
    model : {'churn', 'renewal'}
    rows : DataFrame, (n, ...)
        ``account_id``, ``group_id`` (parent, else the account itself), ``contract_id`` (None
        without), ``as_of``, ``label_known_at``, ``label`` (1, 0, NaN where not yet known or too
        late to act), ``arr`` (reporting currency, NaN unknown), ``headline``, ``tenure_days``,
        ``days_to_renewal``, ``events_change_28d``, and one text column per slice.
    features : DataFrame, (n, n_features)
        float64 with NaN, or object with None, as the catalogue says.
    catalogue : Catalogue
    data_end : date
        Exclusive.
    slices : tuple of str
        Columns of ``rows`` by which figures are given.
    past : DataFrame, (n, n_features), or None
        The same accounts' features as known ``past_days`` earlier, row by row; all missing where
        the account was no customer then. None when they were not asked for.
    """

    model: ModelName
    rows: pd.DataFrame
    features: pd.DataFrame
    catalogue: Catalogue
    data_end: date
    slices: tuple[str, ...] = ()
    past: pd.DataFrame | None = None


def build_datasets(
    source: Source,
    *,
    dates: list[date] | None = None,
    slices: tuple[str, ...] = (),
    past_days: int | None = None,
    progress: Progress = silent,
) -> dict[ModelName, Dataset]:
    """The as-of rows of every cohort that the configuration asks for.

    Parameters
    ----------
    source : Source
    dates : list of date, optional
        As-of dates; by default the configuration's grid up to the data's end.
    slices : tuple of str
        Columns of accounts or contracts to carry along for reporting, beside the standard ones;
        never features.
    past_days : int, optional
        Also give each row's features as they were known so many days earlier.
    progress : callable
        Called with one line per step.
    """
    grid = dates or training_dates(source)
    if not grid:
        rule = f"gives no as-of date before the data's end, {source.data_end}"
        remedy = "give an earlier time.as_of.first, or a longer history"
        raise InputError([Problem("config", "time.as_of", rule, remedy=remedy)])
    progress(f"building rows on {len(grid)} as-of dates")
    build_rows(source, grid if past_days is None else [*grid, *earlier_dates(grid, past_days)])
    tables = [name for name in ("churn_row", "renewal_row") if _has_table(source, name)]
    catalogue = build_catalogue(source.settings, source.columns)
    progress(f"computing {len(catalogue.features)} features")
    past = [] if past_days is None else ["past_row"]
    if past_days is not None:
        build_past_rows(source, tables, grid, days=past_days)
    build_features(source, catalogue, row_tables=[*tables, *past])
    slices = _with_standard(source, slices)
    datasets: dict[ModelName, Dataset] = {}
    if source.settings.labels.churn is not None:
        datasets["churn"] = _read_dataset(source, "churn", catalogue, slices)
    if "renewal_row" in tables:
        datasets["renewal"] = _read_dataset(source, "renewal", catalogue, slices)
    if past:
        return {name: _with_past(source, dataset) for name, dataset in datasets.items()}
    return datasets


def _with_standard(source: Source, slices: tuple[str, ...]) -> tuple[str, ...]:
    present = set(_account_columns(source))
    if source.has("contracts"):
        present |= source.columns["contracts"]
    return tuple(dict.fromkeys((*slices, *(s for s in STANDARD_SLICES if s in present))))


def training_dates(source: Source) -> list[date]:
    """The configuration's as-of dates up to the data's end.

    Without ``time.as_of.first`` the grid begins once the longest window lies within the data.
    """
    grid = source.settings.time.as_of
    table, day = ("usage_day", "day") if source.has("usage") else ("contracts", "start_date")
    row = source.connection.execute(f"SELECT min({day}) FROM {table}").fetchone()
    first = row[0] if row and row[0] is not None else source.data_end
    reach = pd.Timedelta(days=max(source.settings.time.windows_days) if source.has("usage") else 0)
    return as_of_dates(grid, first=(pd.Timestamp(first) + reach).date(), last=source.data_end)


def build_rows(source: Source, dates: list[date]) -> None:
    """Create the cohort tables ``churn_row`` and ``renewal_row`` on these as-of dates."""
    connection, settings = source.connection, source.settings
    connection.execute(
        "CREATE OR REPLACE TABLE as_of_date AS SELECT unnest(CAST($1 AS DATE[])) AS as_of", [dates]
    )
    churn, renewal = settings.labels.churn, settings.labels.renewal
    if source.has("contracts"):
        build_known_terms(connection, grace_days=settings.grace_days)
    if churn is not None:
        if "contract" in churn.by:
            build_stays(connection, grace_days=churn.grace_days)
        build_churn_rows(connection, churn)
    if renewal is not None and source.has("contracts"):
        build_terms(connection, grace_days=renewal.grace_days)
        build_renewal_rows(connection, renewal)


def _has_table(source: Source, name: str) -> bool:
    found = source.connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE table_name = $1", [name]
    ).fetchone()
    return bool(found and found[0])


def _read_dataset(
    source: Source, model: ModelName, catalogue: Catalogue, slices: tuple[str, ...]
) -> Dataset:
    table = f"{model}_row"
    names = ", ".join(f'feature_row."{feature.name}"' for feature in catalogue.features)
    facts = {name: f'feature_row."{name}"' for name in FACTS}
    present, computed = set(catalogue.groups), {feature.name for feature in catalogue.computed}
    carried = [f"{sql if name in computed else 'NULL::DOUBLE'} AS fact_{name}"
               for name, sql in facts.items()]  # fmt: skip
    tenure = facts["tenure_days"] if "tenure_days" in computed else "NULL::DOUBLE"
    frame = read_frame(
        source.connection,
        f"""SELECT row.account_id, row.contract_id, row.as_of, row.label_known_at,
                   {_label(model, source.data_end)} AS label, {_special(model)},
                   {_worked_on(source, model)}
                   coalesce(account.parent_id, row.account_id) AS group_id,
                   {TENURE_BAND.format(days=tenure)} AS tenure_band,
                   {", ".join(carried + _slice_columns(source, slices))}, {names}
            FROM {table} AS row
            JOIN feature_row ON feature_row.account_id = row.account_id
             AND feature_row.as_of = row.as_of
             AND feature_row.contract_id IS NOT DISTINCT FROM row.contract_id
            LEFT JOIN ({_account_query(source)}) AS account ON account.account_id = row.account_id
            {_contract_join(source)}
            ORDER BY row.as_of, row.account_id, row.contract_id""",
    )
    rows = frame[[name for name in frame.columns if name not in present]].rename(
        columns={f"fact_{name}": name for name in facts}
        | {f"slice_{name}": name for name in slices}
    )
    banded = tuple(
        name for name in (*slices, "tenure_band", "lead_band", "worked_on") if name in rows
    )
    return Dataset(model, rows, frame[list(catalogue.groups)], catalogue, source.data_end, banded)


def _with_past(source: Source, dataset: Dataset) -> Dataset:
    """The dataset with what was known of its rows earlier; needs ``past_row``."""
    names = ", ".join(f'feature_row."{feature.name}"' for feature in dataset.catalogue.features)
    past = read_frame(
        source.connection,
        f"""SELECT {names} FROM {dataset.model}_row AS row
            LEFT JOIN past_row ON past_row.account_id = row.account_id
             AND past_row.as_of_now = row.as_of
             AND past_row.contract_now IS NOT DISTINCT FROM row.contract_id
            LEFT JOIN feature_row ON feature_row.account_id = past_row.account_id
             AND feature_row.as_of = past_row.as_of
             AND feature_row.contract_id IS NOT DISTINCT FROM past_row.contract_id
            ORDER BY row.as_of, row.account_id, row.contract_id""",
    )
    return replace(dataset, past=past)


def _label(model: ModelName, data_end: date) -> str:
    known = f"row.label_known_at <= DATE '{data_end}'"
    usable = f"{known} AND NOT row.too_late" if model == "churn" else known
    return f"CASE WHEN {usable} THEN CAST(row.label AS DOUBLE) END"


def _special(model: ModelName) -> str:
    if model == "churn":
        return "TRUE AS headline"
    band = """CASE WHEN row.overdue THEN 'overdue'
        WHEN row.decision_date - row.as_of <= 30 THEN '0-30 days'
        WHEN row.decision_date - row.as_of <= 90 THEN '31-90 days'
        ELSE 'over 90 days' END"""
    return f"NOT row.overdue AS headline, row.decision_date, row.outcome, {band} AS lead_band"


def _worked_on(source: Source, model: ModelName) -> str:
    """Whether the account was worked on within the label's span, where interventions are known.

    Acting spoils the label, so this is for reports alone and no feature.
    """
    acted = worked_on(source, model)
    return "" if acted is None else f"CASE WHEN {acted} THEN 'yes' ELSE 'no' END AS worked_on,"


def worked_on(source: Source, model: ModelName) -> str | None:
    """The SQL of whether the account of ``row`` was worked on in its label's span.

    None where no interventions are known.
    """
    if not source.has("interventions"):
        return None
    churn, until = source.settings.labels.churn, "row.label_known_at"
    if model == "churn" and churn is not None:
        until = f"row.as_of + {churn.lead_days + churn.horizon_days}"
    stated = source.has("interventions", "status")
    done = "AND coalesce(act.status, 'done') = 'done'" if stated else ""
    return f"""EXISTS (
            SELECT 1 FROM interventions AS act WHERE act.account_id = row.account_id
             AND act.day >= row.as_of AND act.day < {until} {done})"""


def read_groups(source: Source, as_of: date) -> dict[str, str]:
    """Each account's group (parent, else the account itself) as known before a date."""
    known = f"known_day IS NULL OR known_day < DATE '{as_of}'"
    rows = source.connection.execute(
        f"SELECT account_id, coalesce(parent_id, account_id) FROM ({_account_query(source, known)})"
    ).fetchall()
    return dict(rows)


def _account_query(source: Source, known: str = "TRUE") -> str:
    """The latest version of each account's row, of those that a condition lets through."""
    parent = "parent_id" if source.has("accounts", "parent_id") else "NULL::VARCHAR AS parent_id"
    columns = "".join(f", {name}" for name in _account_columns(source) if name != "parent_id")
    return f"""SELECT account_id, {parent}{columns} FROM accounts WHERE {known}
        QUALIFY row_number() OVER (
            PARTITION BY account_id ORDER BY known_day DESC NULLS LAST) = 1"""


def _account_columns(source: Source) -> list[str]:
    return sorted(source.columns["accounts"] - {"account_id", "known_at"})


def _contract_join(source: Source) -> str:
    if not source.has("contracts"):
        return ""
    return "LEFT JOIN contracts AS contract ON contract.contract_id = row.contract_id"


def _slice_columns(source: Source, slices: tuple[str, ...]) -> list[str]:
    """The columns to report by, as text."""
    columns = []
    for name in slices:
        if name in _account_columns(source):
            columns.append(f"CAST(account.{name} AS VARCHAR) AS slice_{name}")
        elif source.has("contracts") and (
            name in source.columns["contracts"] or TABLES["contracts"].column(name)
        ):
            columns.append(f"{_as_text(f'contract.{name}', name)} AS slice_{name}")
    return columns


def _as_text(sql: str, name: str) -> str:
    """Whole numbers without their decimal point."""
    column = TABLES["contracts"].column(name)
    if column is not None and column.kind == "number":
        whole = f"CAST(CAST({sql} AS BIGINT) AS VARCHAR)"
        return f"CASE WHEN {sql} = floor({sql}) THEN {whole} ELSE CAST({sql} AS VARCHAR) END"
    return f"CAST({sql} AS VARCHAR)"
