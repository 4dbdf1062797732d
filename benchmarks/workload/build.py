"""What the benchmarks of features run: a company opened and its features computed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np  # noqa: F401  imported here, so that no measured run pays for it
import pandas as pd  # noqa: F401
import sqlglot.dialects.duckdb  # noqa: F401

from benchmarks.workload.company import (
    Workload,
    ask_grid,
    ask_renewals,
    company_settings,
    monthly_dates,
    open_company,
)
from features.catalogue import build_catalogue
from features.engine import build_features
from features.source import Source


def build_grid(files: Path, folder: Path, workload: Workload, memory: str, dates: int) -> int:
    """Features of all accounts on the last so many firsts of the month; the number of columns.

    The rollup lies under ``folder``: what is in it already is not read again.
    """
    source = open_company(company_settings(files, workload, memory), folder)
    return _build(source, ask_grid(source, monthly_dates(dates)))


def build_day(files: Path, folder: Path, workload: Workload, memory: str) -> int:
    """Features of all accounts on the day after the last day of events."""
    settings = company_settings(files, workload, memory)
    source = open_company(settings, folder)
    end = settings.time.data_end
    return _build(source, ask_grid(source, [end] if end else []))


def build_renewals(files: Path, folder: Path, workload: Workload, memory: str, rows: int) -> int:
    """Features of single contracts on days off the grid."""
    source = open_company(company_settings(files, workload, memory), folder)
    return _build(source, ask_renewals(source, rows))


def build_groups(
    files: Path, folder: Path, workload: Workload, memory: str, dates: int
) -> dict[str, float]:
    """CPU seconds of each group by itself, on the rollup that is there."""
    settings = company_settings(files, workload, memory)
    source = open_company(settings, folder)
    table = ask_grid(source, monthly_dates(dates))
    catalogue = build_catalogue(source.settings, source.columns)
    cost = {}
    for group in workload.groups:
        chosen = tuple(feature for feature in catalogue.features if feature.group == group)
        begun = time.process_time()
        build_features(source, type(catalogue)(chosen, {}), row_tables=[table])
        cost[group] = round(time.process_time() - begun, 2)
    return cost


def _build(source: Source, table: str) -> int:
    catalogue = build_catalogue(source.settings, source.columns)
    build_features(source, catalogue, row_tables=[table])
    return len(catalogue.features)
