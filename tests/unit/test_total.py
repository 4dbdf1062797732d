"""Sums that do not depend on the order of the rows."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import duckdb
import pytest

from features.total import LARGEST, exact_mean, exact_sum


def amounts(count: int) -> list[float]:
    """Fractions of very different sizes, both signs."""
    draw = random.Random(0)
    return [draw.uniform(-1, 1) * 10 ** draw.randrange(-3, 12) for _ in range(count)]


def summed(values: list[float], sql: str) -> object:
    """What the SQL over the column ``x`` of these rows gives, read in their order."""
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.execute("CREATE TABLE row AS SELECT unnest($1::DOUBLE[]) AS x", [values])
    found = connection.execute(f"SELECT {sql} FROM row").fetchone()
    return found[0] if found else None


@pytest.mark.parametrize("total", [exact_sum, exact_mean])
def test_the_order_of_the_rows_changes_no_bit(total: Callable[[str], str]) -> None:
    values = amounts(4000)
    expected = summed(values, total("x"))
    for seed in range(5):
        shuffled = random.Random(seed).sample(values, len(values))
        assert summed(shuffled, total("x")) == expected
    assert (
        len({summed(random.Random(seed).sample(values, 4000), "sum(x)") for seed in range(5)}) > 1
    )


def test_several_threads_give_the_same_bits_as_one() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE row AS SELECT sqrt(range) AS x FROM range(400_000)")
    query = f"SELECT {exact_sum('x', 'FILTER (WHERE x > 2)')}, {exact_mean('x')} FROM row"
    connection.execute("SET threads = 1")
    one = connection.execute(query).fetchall()
    connection.execute("SET threads = 4")
    assert all(connection.execute(query).fetchall() == one for _ in range(5))


def test_a_sum_is_right_to_the_last_digits() -> None:
    values = amounts(4000)
    assert summed(values, exact_sum("x")) == pytest.approx(math.fsum(values), rel=1e-15)
    assert summed([0.1] * 10, exact_sum("x")) == pytest.approx(1.0, rel=1e-12)


def test_no_row_has_no_sum_and_no_mean() -> None:
    assert summed([], exact_sum("x")) is None
    assert summed([], exact_mean("x")) is None
    assert summed([1.0], exact_mean("x", "FILTER (WHERE x > 1)")) is None


def test_a_million_of_the_largest_numbers_add_up() -> None:
    connection = duckdb.connect()
    query = (
        f"SELECT {exact_sum('x')} FROM (SELECT {LARGEST - 1}::DOUBLE AS x FROM range(1_000_000))"
    )
    assert connection.execute(query).fetchone() == (pytest.approx(LARGEST * 1e6),)
