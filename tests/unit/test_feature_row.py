"""Feature rows as a caller sends them."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from models.card import FeatureColumn
from models.feature_row import MOST_FAULTS, RowFaultError, RowReader, parse_request
from models.frame import MOST_ROWS

COLUMNS = (
    FeatureColumn(name="usage", kind="number"),
    FeatureColumn(name="plan", kind="category", categories=("basic", "pro")),
    FeatureColumn(name="is_late", kind="number"),
)
READER = RowReader(COLUMNS)


def read(*rows: object) -> list[list[float | None]]:
    """The matrix, None for NaN."""
    matrix = READER.read(parse_request(orjson.dumps({"rows": rows})))
    assert matrix.dtype == np.float64
    return [[None if value != value else value for value in row] for row in matrix.tolist()]


def faults(body: bytes) -> list[tuple[str, str]]:
    """Where, and what was expected."""
    with pytest.raises(RowFaultError) as raised:
        READER.read(parse_request(body))
    return [("/".join(map(str, location)), told) for location, told in raised.value.faults]


def test_values_stand_in_the_order_of_the_model() -> None:
    assert read({"is_late": True, "plan": "pro", "usage": 3}) == [[3.0, 1.0, 1.0]]
    assert read({"usage": 1e308}, {"usage": -0.5}) == [[1e308, None, None], [-0.5, None, None]]


def test_what_is_left_out_or_null_or_an_unseen_category_is_unknown() -> None:
    assert read({}, {"usage": None, "plan": None}, {"plan": "gold"}) == [[None] * 3] * 3


@pytest.mark.parametrize(
    ("row", "at", "told"),
    [
        ({"usage": "3"}, "rows/0/usage", "Expected a number, or null"),
        ({"usage": [3]}, "rows/0/usage", "Expected a number, or null"),
        ({"usage": {}}, "rows/0/usage", "Expected a number, or null"),
        ({"usage": "3", "is_late": None}, "rows/0/usage", "Expected a number, or null"),
        ({"plan": 1}, "rows/0/plan", "Expected a category as text, or null"),
        ({"plan": True}, "rows/0/plan", "Expected a category as text, or null"),
        ({"seats": 1}, "rows/0/seats", "Not a feature of this model"),
        ({"x" * 5000: 1}, "rows/0/" + "x" * 100, "Not a feature of this model"),
        ([1], "rows/0", "Expected an object of features by name"),
        (None, "rows/0", "Expected an object of features by name"),
    ],
)
def test_a_field_at_fault_is_named(row: object, at: str, told: str) -> None:
    assert faults(orjson.dumps({"rows": [row]})) == [(at, told)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"rows",
        b'{"rows": [{"usage": NaN}]}',
        b'{"rows": [{"usage": Infinity}]}',
        b'{"rows": [{"usage": 1e999}]}',
        b'{"rows": [{"plan": "\\ud800"}]}',
        b'{"rows": [{"usage": 1}]} more',
        b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\xff\xfe",
    ],
)
def test_what_is_no_json_of_numbers_is_refused(body: bytes) -> None:
    assert faults(body) == [("", "Expected a JSON document without NaN or Infinity")]


@pytest.mark.parametrize("body", [b"[]", b"3", b"null", b'"rows"'])
def test_a_document_that_is_no_object_is_refused(body: bytes) -> None:
    assert faults(body) == [("", 'Expected an object: {"rows": [...]}')]


@pytest.mark.parametrize("rows", [None, [], {}, "x", [{}] * (MOST_ROWS + 1)])
def test_there_are_1_to_100_rows(rows: object) -> None:
    assert faults(orjson.dumps({"rows": rows})) == [("rows", "Expected a list of 1 to 100 rows")]
    assert len(read(*[{}] * MOST_ROWS)) == MOST_ROWS


def test_other_fields_are_refused() -> None:
    assert faults(orjson.dumps({"rows": [{}], "model": "churn"})) == [
        ("model", "Not a field of this request")
    ]
    assert faults(orjson.dumps({"rows": [{}], "groups": 1})) == [
        ("groups", "Expected true or false")
    ]


def columns(names: object, *rows: object) -> bytes:
    """A request that writes the names once."""
    return orjson.dumps({"columns": names, "rows": rows})


def test_names_may_be_written_once() -> None:
    body = columns(["plan", "usage"], ["pro", 2], [None, None], ["gold", -1.5])
    by_name = {"rows": [{"plan": "pro", "usage": 2}, {}, {"usage": -1.5}]}
    np.testing.assert_array_equal(READER.read(parse_request(body)), READER.read(by_name))
    assert np.isnan(READER.read(parse_request(columns([], [], [])))).all()


@pytest.mark.parametrize(
    ("body", "at", "told"),
    [
        (columns("usage", [1]), "columns", "Expected a list of names of features"),
        (columns([1], [1]), "columns", "Expected a list of names of features"),
        (columns(["x"], [1]), "columns/0", "Not a feature of this model, or named twice"),
        (
            columns(["usage", "usage"], [1, 2]),
            "columns/1",
            "Not a feature of this model, or named twice",
        ),
        (
            columns(["usage"], [1], [1, 2]),
            "rows/1",
            "Expected a list of 1 values, as there are columns",
        ),
        (
            columns(["usage"], {"usage": 1}),
            "rows/0",
            "Expected a list of 1 values, as there are columns",
        ),
        (columns(["plan", "usage"], ["pro", "2"]), "rows/0/1", "Expected a number, or null"),
        (columns(["usage"], [1], [[2]]), "rows/1/0", "Expected a number, or null"),
        (columns(["plan"], [1]), "rows/0/0", "Expected a category as text, or null"),
    ],
)
def test_a_fault_under_names_written_once_is_placed(body: bytes, at: str, told: str) -> None:
    assert faults(body) == [(at, told)]


def test_many_faults_are_cut_short() -> None:
    rows = [{"usage": "x", "seats": 1}] * MOST_ROWS
    assert len(faults(orjson.dumps({"rows": rows}))) == MOST_FAULTS
