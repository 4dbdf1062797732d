"""The service store's tables: made once, brought up to date, refused when they are newer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, inspect, select, text, update

from features.errors import InputError
from models.database import Database
from models.key_store import KeyStore
from models.schema import Schema
from models.service_store import ServiceStore
from models.service_table import (
    LEASE,
    METADATA,
    SCHEMA,
    SERVICE_SCHEMA,
    SESSION,
    WEBHOOK_DELIVERY,
    WEBHOOK_TARGET,
)
from models.session_store import SessionStore
from models.webhook import make_target
from models.webhook_store import WebhookStore

NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_reading_a_store_makes_no_file(tmp_path: Path) -> None:
    with ServiceStore(f"sqlite:///{tmp_path}/service.db") as service:
        assert KeyStore(service).all() == []
    assert list(tmp_path.iterdir()) == []


def test_the_first_write_makes_every_table(service: ServiceStore) -> None:
    KeyStore(service).create("crm", ["scores:read"], now=NOW)
    with service.database.read() as connection:
        assert set(METADATA.tables) <= set(inspect(connection).get_table_names())
        assert SCHEMA.read_version(connection) == SCHEMA.version


def test_a_store_of_a_later_version_is_refused_with_a_remedy(
    service: ServiceStore, store_url: str
) -> None:
    KeyStore(service).create("crm", ["scores:read"], now=NOW)
    with service.write() as connection:
        connection.execute(update(SERVICE_SCHEMA).values(version=99))
    with ServiceStore(store_url) as older:
        keys = KeyStore(older)
        for use in (keys.all, lambda: keys.create("crm", ["scores:read"], now=NOW)):
            with pytest.raises(InputError, match=r"^service store: .*, not 99; update Keepwell"):
                use()


def test_a_damaged_store_is_named_and_not_told_to_be_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "service.db").write_bytes(b"no database at all" * 100)
    with (
        ServiceStore(f"sqlite:///{tmp_path}/service.db") as service,
        pytest.raises(InputError, match=r"^service store: .*restore it from a copy"),
    ):
        KeyStore(service).all()


def test_a_url_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"^service store\.url"):
        ServiceStore("mysql://host/name")


def test_a_store_from_before_sessions_gets_their_table_and_keeps_its_keys(
    service: ServiceStore, store_url: str
) -> None:
    key = KeyStore(service).create("crm", ["scores:read"], now=NOW).key
    with service.write() as connection:
        SESSION.drop(connection)
        for column in SCHEMA.added[3]:
            place = f"{column.table.name} DROP COLUMN {column.name}"
            connection.execute(text(f"ALTER TABLE {place}"))
        connection.execute(update(SERVICE_SCHEMA).values(version=2))
    with ServiceStore(store_url) as later:
        assert SessionStore(later).all() == []
        assert KeyStore(later).all() == [key]


def test_a_store_from_before_webhooks_gets_their_tables_and_keeps_its_keys(
    service: ServiceStore, store_url: str
) -> None:
    key = KeyStore(service).create("crm", ["scores:read"], now=NOW).key
    with service.write() as connection:
        for table in (LEASE, SESSION, WEBHOOK_DELIVERY, WEBHOOK_TARGET):
            table.drop(connection)
        connection.execute(update(SERVICE_SCHEMA).values(version=1))
    with ServiceStore(store_url) as later:
        assert WebhookStore(later).targets() == []
        WebhookStore(later).add(make_target("crm", "https://crm.example.com/", now=NOW))
        assert [one.name for one in WebhookStore(later).targets()] == ["crm"]
        assert KeyStore(later).all() == [key]


def test_a_store_from_before_two_secrets_keeps_its_targets(
    service: ServiceStore, store_url: str
) -> None:
    target = make_target("crm", "https://crm.example.com/", now=NOW)
    WebhookStore(service).add(target)
    with service.write() as connection:
        for name in ("old_secret", "old_secret_until"):
            connection.execute(text(f"ALTER TABLE webhook_target DROP COLUMN {name}"))
        connection.execute(update(SERVICE_SCHEMA).values(version=2))
    with ServiceStore(store_url) as later:
        assert WebhookStore(later).targets() == [target]


def schema_of(version: int) -> tuple[Schema, Table]:
    """A schema whose second version has one more column and one more table."""
    metadata = MetaData()
    kept = Table("version_kept", metadata, Column("slot", Integer), Column("version", Integer))
    first = Table("first", metadata, Column("name", Text, primary_key=True))
    added: dict[int, tuple[Column[object], ...]] = {}
    if version == 2:
        first.append_column(Column("colour", Text))
        Table("second", metadata, Column("name", Text, primary_key=True))
        added = {2: (first.c.colour,)}
    schema = Schema(
        name="test store",
        version=version,
        metadata=metadata,
        version_table=kept,
        lock=77,
        added=added,
    )
    return schema, first


def test_an_earlier_version_gets_what_came_later_and_keeps_what_it_has(store_url: str) -> None:
    database = Database(store_url)
    old, first = schema_of(1)
    with database.write() as connection:
        assert old.read_version(connection) is None
        old.make(connection, database)
        connection.execute(first.insert(), {"name": "a"})
    new, first = schema_of(2)
    for _ in range(2):  # the second time there is nothing to do
        with database.write() as connection:
            new.make(connection, database)
            assert new.read_version(connection) == 2
    with database.read() as connection:
        assert connection.execute(select(first)).all() == [("a", None)]
        assert inspect(connection).has_table("second")
        with pytest.raises(InputError, match="must have schema version 1, not 2"):
            old.read_version(connection)
    database.close()
