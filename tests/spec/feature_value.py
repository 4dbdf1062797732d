"""The value of every feature of the written accounts, from one pass of an engine over all."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from features.catalogue import build_catalogue
from features.dataset import build_rows
from features.engine import build_features, read_frame
from tests.property.answer import is_same, plain
from tests.spec.feature_spec import Value, expectations, read_company, read_specs
from tests.written_company import Row, open_company

Found = dict[str, dict[str, Value]]  # by account, by feature
# What a row of each account speaks of: the contract that a score would speak of.
_ROWS = """CREATE OR REPLACE TABLE spec_row AS
    SELECT account_id, coalesce(churn.contract_id, renewal.contract_id) AS contract_id, as_of
    FROM (SELECT DISTINCT account_id FROM accounts) CROSS JOIN as_of_date
    LEFT JOIN churn_row AS churn USING (account_id, as_of)
    LEFT JOIN renewal_row AS renewal USING (account_id, as_of)
    QUALIFY row_number() OVER (PARTITION BY account_id ORDER BY renewal.decision_date DESC) = 1"""


def find_values(spill: Path, *, engine: str) -> Found:
    """Every feature of every account, as an engine computes them in one pass."""
    company = read_company()
    tables: dict[str, list[Row]] = defaultdict(list)
    for spec in read_specs():
        for name, rows in spec.tables.items():
            tables[name] += rows
    source = open_company(
        tables, spill=spill, data_end=company["data_end"], engine=engine, **company["settings"]
    )
    build_rows(source, [company["as_of"]])
    source.connection.execute(_ROWS)
    catalogue = build_catalogue(source.settings, source.columns)
    build_features(source, catalogue, row_tables=["spec_row"])
    if source.spark is not None:
        source.spark.close()
    frame = read_frame(source.connection, "SELECT * FROM feature_row")
    names = list(catalogue.groups)
    return {
        row["account_id"]: {n: plain(row[n]) for n in names} for row in frame.to_dict("records")
    }


def deviations(found: Found, feature: str) -> list[str]:
    """Where a feature is not what its spec says: a line per account."""
    lines = []
    for expected in expectations()[feature]:
        value = found[f"{expected.spec}/{expected.account}"][feature]
        if not is_same(value, expected.value):
            line = f"{expected.spec} {expected.account}: {expected.value}, not {value}"
            lines.append(f"{line} ({expected.because})" if expected.because else line)
    return lines
