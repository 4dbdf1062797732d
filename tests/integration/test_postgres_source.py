"""A company's tables may lie in PostgreSQL: the same rows come out as from files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pandas as pd
import psycopg
import pytest
import yaml

from features.dataset import build_datasets
from features.errors import InputError
from features.postgres import attach_databases
from pipelines.config import read_config
from pipelines.home import Home
from pipelines.source import open_company
from tests.integration.postgres import GUARDED

PASSWORD = "s3cret/wörd@1%"
TABLES = {
    "customers": "id int, name text, segment varchar(8), tier char(4)",
    "orders": "id text, customer int, starts date, ends date, mrr numeric(12, 2), seats smallint",
    "clicks": "customer int, at timestamptz, what text, person uuid, times bigint",
}
QUERIES = {
    "accounts": "SELECT id AS account_id, name, segment, tier AS account_tier FROM {customers}",
    "contracts": "SELECT id AS contract_id, customer AS account_id, starts AS start_date, "
    "ends AS end_date, mrr, seats FROM {orders}",
    "usage": "SELECT customer AS account_id, c.at AS ts, c.what AS event, person AS user_id, "
    "times AS count FROM {clicks} AS c",
}
FROM_POSTGRES = {name: f"crm.sales.{name}" for name in TABLES}
FROM_CSV = {name: f"read_csv('${{data}}/{name}.csv')" for name in TABLES}


def rows_of(table: str) -> list[list[object]]:
    """The rows of a small made-up company."""
    accounts = range(1, 9)
    if table == "customers":
        return [[a, f"Company “{a}”", "smb" if a % 2 else "mid", "gold"] for a in accounts]
    if table == "orders":
        return [
            [f"O{a}-{year}", a, date(year, a, 1), date(year + 1, a, 1), 100 * a + 0.25, 5]
            for a in accounts
            for year in (2024, 2025)[: 1 + a % 2]
        ]
    start = datetime.fromisoformat("2024-06-01 22:30:00+00:00")
    return [
        [a, start + timedelta(days=9 * n + a), ("save", "view")[n % 2], UUID(int=n % (a + 1)), n]
        for a in accounts
        for n in range(1, 60)
    ]


def as_csv(table: str) -> str:
    """The table as a file with a header."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([column.split()[0] for column in TABLES[table].split(", ") if column[0] > "9"])
    writer.writerows(rows_of(table))
    return text.getvalue()


@pytest.fixture
def database(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection to a database of the test's own, with the company in the schema ``sales``."""
    url = postgres_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA sales")
        for name, columns in TABLES.items():
            connection.execute(f"CREATE TABLE sales.{name} ({columns})".encode())
            copy = f"COPY sales.{name} FROM STDIN (FORMAT csv, HEADER)".encode()
            with connection.cursor().copy(copy) as stream:
                stream.write(as_csv(name))
        yield connection


@pytest.fixture
def url(database: psycopg.Connection, postgres_url: str) -> str:
    """The URL of that database."""
    del database
    return postgres_url.replace("+psycopg", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the company as CSV files."""
    for name in TABLES:
        (tmp_path / f"{name}.csv").write_text(as_csv(name), encoding="utf-8")
    return tmp_path


def build(folder: Path, places: dict[str, str], **more: Any) -> dict[str, pd.DataFrame]:
    """Rows and features of each model, the tables lying at these places."""
    raw = {
        "config_version": 1,
        "company": "written",
        "tables": {name: query.format(**places) for name, query in QUERIES.items()},
        "catalogue": {"save": {"module": "m", "core": True, "value_action": True}},
        "time": {"zone": "Europe/Berlin", "as_of": {"first": "2024-09-10"}},
        "labels": {"churn": {"horizon_days": 60}, "renewal": {}},
    }
    path = folder / "written.yaml"
    path.write_text(yaml.safe_dump(raw | more), encoding="utf-8")
    source = open_company(read_config(path), Home(folder / "home"))
    datasets = build_datasets(source)
    source.connection.close()
    return {
        name: pd.concat([d.rows, d.features.add_prefix("feature_")], axis=1)
        for name, d in datasets.items()
    }


def copy(url: str, *queries: str, **options: Any) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection with the tables that the queries name."""
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    named = {str(number): query for number, query in enumerate(queries)}
    attach_databases(connection, {"crm": url}, named, **options)
    return connection


def test_postgres_gives_the_rows_that_csv_gives(
    url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", url)
    expected = build(folder, FROM_CSV)
    found = build(folder, FROM_POSTGRES, attach={"crm": "${CRM_URL}"})
    assert len(expected["churn"]) > 50
    assert len(expected["renewal"]) > 50
    for name in expected:
        pd.testing.assert_frame_equal(found[name], expected[name])


def test_the_next_run_sees_what_was_changed_meanwhile(
    url: str, database: psycopg.Connection, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_URL", url)
    before = build(folder, FROM_POSTGRES, attach={"crm": "${CRM_URL}"})["churn"]
    database.execute("UPDATE sales.clicks SET times = 2 * times WHERE customer = 3")
    database.execute("DELETE FROM sales.clicks WHERE customer = 4 AND times = 7")
    after = build(folder, FROM_POSTGRES, attach={"crm": "${CRM_URL}"})["churn"]
    changed = before["feature_events_91d"].ne(after["feature_events_91d"])
    assert set(before.loc[changed, "account_id"]) == {"3", "4"}
    unused = before["feature_events_91d"].eq(0) & before["account_id"].eq("3")
    assert changed[before["account_id"].eq("3") & ~unused].all()


def test_every_type_comes_as_what_it_is(url: str, database: psycopg.Connection) -> None:
    database.execute(
        """CREATE TABLE kinds AS SELECT 12.34::numeric(12, 2) AS amount, 1e30::numeric AS loose,
             '€'::text AS words, 'x'::char(4) AS padded, '2025-01-02'::date AS day,
             '2025-01-02 03:04+02'::timestamptz AS moment, '2025-01-02 03:04'::timestamp AS clock,
             true AS flag, '00000000-0000-0000-0000-000000000001'::uuid AS id,
             '{"a": 1}'::jsonb AS document, 12.5::money AS price, '10.0.0.1'::inet AS address
"""
    )
    database.execute(
        "INSERT INTO kinds (amount, loose, day, moment, clock) "
        "VALUES ('NaN', 'NaN', 'infinity', '-infinity', 'infinity')"
    )
    connection = copy(url, "SELECT * FROM crm.public.kinds")
    types = dict(connection.execute("SELECT column_name, column_type FROM "
                                    "(DESCRIBE crm.public.kinds)").fetchall())  # fmt: skip
    assert types == {
        "amount": "DECIMAL(12,2)",
        "loose": "DOUBLE",
        "words": "VARCHAR",
        "padded": "VARCHAR",
        "day": "DATE",
        "moment": "TIMESTAMP WITH TIME ZONE",
        "clock": "TIMESTAMP",
        "flag": "BOOLEAN",
        "id": "UUID",
        "document": "JSON",
        "price": "DECIMAL(19,2)",
        "address": "VARCHAR",
    }
    first, last = connection.execute(
        "SELECT amount::VARCHAR, loose, words, padded, day::VARCHAR, moment::VARCHAR, "
        "clock::VARCHAR, flag, id::VARCHAR, document ->> '$.a', price::VARCHAR, address "
        "FROM crm.public.kinds ORDER BY amount NULLS LAST"
    ).fetchall()
    assert first == (
        *("12.34", 1e30, "€", "x", "2025-01-02", "2025-01-02 01:04:00+00", "2025-01-02 03:04:00"),
        *(True, "00000000-0000-0000-0000-000000000001", "1", "12.50", "10.0.0.1/32"),
    )
    assert [value for value in last if value is not None and value == value] == []


def test_only_columns_that_a_query_names_are_read(url: str) -> None:
    connection = copy(url, "SELECT c.ID AS account_id FROM crm.sales.Customers AS c")
    assert connection.execute("FROM crm.sales.customers LIMIT 1").fetchall() == [(1,)]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {}",
        "FROM {}",
        "SELECT c.* FROM {} AS c",
        "SELECT c FROM {} AS c",
        "SELECT one FROM {} AS c(one)",
        "SELECT COLUMNS('.*') FROM {}",
        "SELECT id FROM {} NATURAL JOIN (SELECT 'smb' AS other)",
    ],
)
def test_a_query_that_may_take_every_column_gets_every_column(url: str, query: str) -> None:
    connection = copy(url, query.format("crm.sales.customers"))
    (row,) = connection.execute("FROM crm.sales.customers LIMIT 1").fetchall()
    assert len(row) == 4


def test_names_in_quotes_are_those_of_postgres(url: str, database: psycopg.Connection) -> None:
    database.execute('CREATE TABLE sales."Odd ""Name" AS SELECT 1 AS "A b"')
    connection = copy(url, 'SELECT "A b" FROM crm.sales."Odd ""Name"')
    assert connection.execute('SELECT "A b" FROM crm.sales."Odd ""Name"').fetchall() == [(1,)]


def test_what_is_committed_while_tables_are_read_is_not_half_seen(
    url: str, database: psycopg.Connection
) -> None:
    told = []

    def add_a_customer(step: str) -> None:
        told.append(step)
        number = 100 + len(told)
        with database.transaction():
            database.execute("INSERT INTO sales.customers VALUES (%s, 'n', 's', 't')", [number])
            database.execute("INSERT INTO sales.orders (id, customer) VALUES ('n', %s)", [number])

    connection = copy(
        url,
        "SELECT id FROM crm.sales.customers JOIN crm.sales.orders AS o ON o.customer = id",
        progress=add_a_customer,
    )
    assert told == ["reading crm.sales.customers", "reading crm.sales.orders"]
    for query in ("max(id) FROM crm.sales.customers", "max(customer) FROM crm.sales.orders"):
        assert connection.execute(f"SELECT {query}").fetchall() == [(8,)]


def test_a_table_larger_than_memory_spills(
    url: str, database: psycopg.Connection, tmp_path: Path
) -> None:
    database.execute("CREATE TABLE wide AS SELECT md5(n::text) AS a, md5((-n)::text) AS b "
                     "FROM generate_series(1, 500000) AS n")  # fmt: skip
    connection = duckdb.connect(":memory:")
    connection.execute("SET memory_limit = '30MB'; SET threads = 1")
    connection.execute("SET temp_directory = $1", [str(tmp_path)])
    attach_databases(connection, {"crm": url}, {"usage": "SELECT * FROM crm.public.wide"})
    query = "SELECT count(*), max(a) > min(b) FROM crm.public.wide"
    assert connection.execute(query).fetchall() == [(500_000, True)]
    assert list(tmp_path.iterdir())


def test_a_connection_lost_in_the_middle_says_which_table(
    url: str, database: psycopg.Connection
) -> None:
    def end_sessions(step: str) -> None:
        del step
        database.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                         "WHERE application_name = 'keepwell'")  # fmt: skip

    with pytest.raises(InputError, match=r"attach\.crm: crm\.sales\.orders cannot be read"):
        copy(url, "SELECT id FROM crm.sales.orders", progress=end_sessions)


def test_every_missing_table_is_named_at_once(url: str) -> None:
    with pytest.raises(InputError) as caught:
        copy(url, "SELECT a FROM crm.sales.nothing", "SELECT b FROM crm.nowhere.orders")
    assert [problem.column for problem in caught.value.problems] == ["attach.crm"] * 2
    assert [problem.rule.partition(": ")[2] for problem in caught.value.problems] == [
        'relation "sales.nothing" does not exist',
        'relation "nowhere.orders" does not exist',
    ]


@pytest.fixture
def guarded(url: str, database: psycopg.Connection) -> Iterator[str]:
    """The URL for a login that needs a password, ``{}`` standing for it."""
    database.execute(f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'".encode())
    database.execute(f"GRANT USAGE ON SCHEMA sales TO {GUARDED}".encode())
    database.execute(f"GRANT SELECT ON sales.customers, sales.orders TO {GUARDED}".encode())
    yield url.replace("keepwell@", f"{GUARDED}:{{}}@")
    database.execute(f"DROP OWNED BY {GUARDED}".encode())
    database.execute(f"DROP ROLE {GUARDED}".encode())


def test_a_password_from_the_environment_is_encoded_and_never_shown(
    guarded: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = {"crm": guarded.format("${CRM_PASSWORD}")}
    monkeypatch.setenv("CRM_PASSWORD", PASSWORD)
    with pytest.raises(InputError) as denied:
        build(folder, FROM_POSTGRES, attach=attach)
    assert "permission denied for table clicks" in str(denied.value)
    monkeypatch.setenv("CRM_PASSWORD", f"wrong{PASSWORD}")
    with pytest.raises(InputError) as refused:
        build(folder, FROM_POSTGRES, attach=attach)
    assert "attach.crm: cannot be opened: password authentication failed" in str(refused.value)
    for error in (denied, refused):
        assert "s3cret" not in str(error.value)
        assert "s3cret" not in repr(error.value)
    kept = read_config(folder / "written.yaml").to_yaml()
    assert "${CRM_PASSWORD}" in kept
    assert "s3cret" not in kept


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/crm", "Connection refused"),
        ("postgresql://me:s3cret@[::1]:1/crm?connect_timeout=1", "port 1 failed"),
        ("postgresql://me:s3@cret@127.0.0.1/crm", "must be a URL such as postgresql://"),
        ("postgresql://me:s3/cret@127.0.0.1/crm", "must be a URL such as postgresql://"),
        ("postgresql://me@127.0.0.1:1/crm?s3cret=1&password=s3cret", "***"),
        ("host=127.0.0.1 password=s3cret", "must be a URL such as postgresql://"),
    ],
)
def test_a_server_that_cannot_be_reached_is_said_without_the_password(url: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        copy(url, "SELECT id FROM crm.sales.orders")
    (problem,) = caught.value.problems
    assert problem.column == "attach.crm"
    assert said in problem.rule
    assert "cret" not in str(problem)


def test_a_password_in_the_configuration_itself_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("postgresql://me:s3cret@127.0.0.1/crm", "postgresql:///crm?password=s3cret"):
        with pytest.raises(InputError, match=r"attach\.crm: holds a password") as caught:
            build(folder, FROM_POSTGRES, attach={"crm": url})
        assert "s3cret" not in str(caught.value)
    monkeypatch.delenv("CRM_URL", raising=False)
    with pytest.raises(InputError, match=r"attach\.crm: \$\{CRM_URL\} is not set"):
        build(folder, FROM_POSTGRES, attach={"crm": "${CRM_URL}"})


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT a FROM crm.orders", "names crm.orders without the schema; write crm.public.ord"),
        ('SELECT a FROM crm.s.orders, crm.s."Orders"', "differ by case only"),
    ],
)
def test_a_table_must_be_named_in_full_and_be_one(query: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        copy("postgresql://127.0.0.1:1/crm", query)


@pytest.mark.parametrize("name", ["temp", "Main", "my crm"])
def test_a_name_that_duckdb_has_already_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="attach"):
        build(folder, FROM_CSV, attach={name: "postgresql:///crm"})
