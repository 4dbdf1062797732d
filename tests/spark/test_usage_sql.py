"""The portable usage SQL, on DuckDB, equals a plain loop over the rows."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from features import usage
from features.expression import Primitive
from features.usage_sql import FUNCTIONS, build_usage
from tests.spark.plain_usage import History, Look, Use, is_same, random_looks, random_uses
from tests.spark.rollup import WANTED, write_rollup


def test_every_primitive_is_compared() -> None:
    assert {primitive.name for primitive in WANTED} == FUNCTIONS
    assert usage.FUNCTIONS <= FUNCTIONS


@pytest.mark.parametrize("seed", range(8))
def test_every_primitive_equals_a_plain_loop(seed: int) -> None:
    uses, looks = random_uses(seed), random_looks(seed)
    connection = write_rollup(uses, looks)
    columns = ", ".join(primitive.column for primitive in WANTED)
    name = build_usage(connection, WANTED)
    rows = connection.execute(f"SELECT account_id, as_of, {columns} FROM {name}").fetchall()
    found = {(row[0], row[1]): dict(zip(WANTED, row[2:], strict=True)) for row in rows}
    assert len(found) == len(looks)
    for look in looks:
        history = History(uses, look)
        for primitive in WANTED:
            value = found[look.account, look.as_of][primitive]
            expected = history.value(primitive)
            assert is_same(value, expected), (look, primitive, value, expected)


@pytest.mark.parametrize("primitive", sorted(set(WANTED)), ids=lambda p: p.column)
def test_each_primitive_can_be_asked_for_alone(primitive: Primitive) -> None:
    day = date(2025, 6, 1)
    use = Use("A", "u1", "save", day - timedelta(days=3), day - timedelta(days=3), 2.0, 5.0, "s")
    look = Look("A", day, day - timedelta(days=10))
    connection = write_rollup([use], [look])
    build_usage(connection, [primitive])
    row = connection.execute(f"SELECT {primitive.column} FROM usage_primitive").fetchone()
    assert row is not None
    assert is_same(row[0], History([use], look).value(primitive))
