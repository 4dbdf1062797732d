"""The day that a moment falls on, as the company writes it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from features.settings import CompanySettings
from features.source import open_source

# As it is written | its day in New York, in UTC and in Berlin.
MOMENTS = """
    DATE '2025-06-01'                             | 2025-06-01 | 2025-06-01 | 2025-06-01
    '2025-06-01'                                  | 2025-06-01 | 2025-06-01 | 2025-06-01
    TIMESTAMP '2025-06-01 00:00:00'               | 2025-06-01 | 2025-06-01 | 2025-06-01
    CAST('2025-06-01' AS TIMESTAMP_S)             | 2025-06-01 | 2025-06-01 | 2025-06-01
    CAST('2025-06-01' AS TIMESTAMP_NS)            | 2025-06-01 | 2025-06-01 | 2025-06-01
    '2025-06-01 00:00'                            | 2025-06-01 | 2025-06-01 | 2025-06-01
    '2025-06-01T00:00:00'                         | 2025-06-01 | 2025-06-01 | 2025-06-01
    ' 2025-06-01 00:00:00.000 '                   | 2025-06-01 | 2025-06-01 | 2025-06-01
    TIMESTAMP '2025-06-01 00:00:01'               | 2025-05-31 | 2025-06-01 | 2025-06-01
    TIMESTAMP '2025-06-01 23:00:00'               | 2025-06-01 | 2025-06-01 | 2025-06-02
    '2025-06-01 00:00:01'                         | 2025-05-31 | 2025-06-01 | 2025-06-01
    '2025-06-01T23:00:00'                         | 2025-06-01 | 2025-06-01 | 2025-06-02
    TIMESTAMPTZ '2025-06-01 00:00:00+00'          | 2025-05-31 | 2025-06-01 | 2025-06-01
    '2025-06-01T00:00:00Z'                        | 2025-05-31 | 2025-06-01 | 2025-06-01
    '2025-06-01 00:00:00+00:00'                   | 2025-05-31 | 2025-06-01 | 2025-06-01
    '2025-06-01 00:00:00+02:00'                   | 2025-05-31 | 2025-05-31 | 2025-06-01
"""
ZONES = ("America/New_York", "UTC", "Europe/Berlin")


@pytest.mark.parametrize("line", MOMENTS.strip().splitlines(), ids=str.strip)
def test_a_midnight_without_an_offset_is_a_date_and_other_moments_fall_on_a_local_day(
    line: str, tmp_path: Path
) -> None:
    written, *days = [cell.strip() for cell in line.split("|")]
    for zone, day in zip(ZONES, days, strict=True):
        tables = {
            "accounts": "SELECT 'A' AS account_id",
            "contracts": f"SELECT 'A' AS account_id, 'c1' AS contract_id, {written} AS start_date",
        }
        time = {"zone": zone, "data_end": "2026-01-01"}
        settings = CompanySettings.model_validate({"tables": tables, "time": time})
        source = open_source(settings, spill=tmp_path)
        row = source.connection.execute("SELECT start_date FROM contracts").fetchone()
        assert row == (date.fromisoformat(day),), zone
