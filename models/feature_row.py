"""Feature rows as a caller sends them, checked by the letter, as a booster's matrix.

Most of it runs in C: a model of 200 features has 20,000 values to look at.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from models.card import FeatureColumn
from models.frame import MOST_ROWS

if TYPE_CHECKING:
    from models.table import FloatArray


MOST_FAULTS = 20  # told of one request
LONGEST_NAME = 100  # characters of a name that is not ours, as far as it is repeated
FIELDS = frozenset({"rows", "columns", "groups"})
PLAIN = frozenset({float, int, bool, type(None)})

Fault: TypeAlias = tuple[list[str | int], str]  # where, and what was expected


class RowFaultError(Exception):
    """The rows are not as documented.

    Parameters
    ----------
    faults : sequence of (location, message)
        Of the first fields at fault.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("rows are not as documented")
        self.faults = list(faults)


class RowReader:
    """Reads rows for one model.

    Parameters
    ----------
    columns : sequence of FeatureColumn, (k,)
        In the order of the matrix.
    """

    def __init__(self, columns: Sequence[FeatureColumn]) -> None:
        self._columns = columns
        self._blank: dict[str, float | None] = {
            column.name: None if column.kind == "category" else math.nan for column in columns
        }
        self._places = {column.name: place for place, column in enumerate(columns)}
        self._codes = {
            column.name: {name: float(code) for code, name in enumerate(column.categories)}
            for column in columns
            if column.kind == "category"
        }

    def read(self, document: dict[str, Any]) -> FloatArray:  # Any: JSON
        """The matrix of the rows of a request, (n, k), 1 <= n <= 100.

        NaN where a feature was left out, is null, or is a category that training did not see.

        Parameters
        ----------
        document : dict
            Of `parse_request`: ``{"rows": [{name: value, ...}, ...]}``, or with the names written
            once ``{"columns": [name, ...], "rows": [[value, ...], ...]}``.

        Raises
        ------
        RowFaultError
            With the places at fault.
        """
        rows = document["rows"]
        if "columns" in document:
            return self._read_columns(document["columns"], rows)
        if not set(map(type, rows)) <= {dict}:
            raise RowFaultError(_not_of(rows, dict, "Expected an object of features by name"))
        # A row has what it leaves out from the blank one, and other names after all of ours.
        cells = list(chain.from_iterable(({**self._blank, **row}).values() for row in rows))
        found = None
        if len(cells) == len(rows) * len(self._columns):
            found = self._convert(list(self._places), cells, len(rows))
        if found is None:
            raise RowFaultError(list(self._faults_by_name(rows)))
        return found

    def _read_columns(self, names: object, rows: list[Any]) -> FloatArray:  # Any: JSON
        if not isinstance(names, list) or not set(map(type, names)) <= {str}:
            raise RowFaultError([(["columns"], "Expected a list of names of features")])
        if len(self._places.keys() & names) != len(names):
            raise RowFaultError(list(islice(self._faults_of_names(names), MOST_FAULTS)))
        expected = f"Expected a list of {len(names)} values, as there are columns"
        if not set(map(type, rows)) <= {list}:
            raise RowFaultError(_not_of(rows, list, expected))
        if odd := [place for place, row in enumerate(rows) if len(row) != len(names)]:
            raise RowFaultError([(["rows", place], expected) for place in odd[:MOST_FAULTS]])
        found = self._convert(names, list(chain.from_iterable(rows)), len(rows))
        if found is None:
            raise RowFaultError(list(self._faults_by_column(names, rows)))
        matrix = np.full((len(rows), len(self._columns)), np.nan)
        matrix[:, [self._places[name] for name in names]] = found
        return matrix

    def _convert(
        self, names: Sequence[str], cells: list[Any], rows: int
    ) -> FloatArray | None:  # Any: JSON
        """The cells of rows as numbers, (n, m); None where one is not of its feature's kind.

        Cells of categories are replaced on the way.
        """
        for place, name in enumerate(names):
            codes = self._codes.get(name)
            if codes is None:
                continue
            texts = cells[place :: len(names)]
            if not set(map(type, texts)) <= {str, type(None)}:
                return None
            cells[place :: len(names)] = [codes.get(text, math.nan) for text in texts]
        packed = _pack(cells)
        if packed is None:  # perhaps for a null
            nan = math.nan
            packed = _pack([nan if value is None else value for value in cells])
        return None if packed is None else np.frombuffer(packed).reshape(rows, len(names))

    def _faults_of_names(self, names: list[str]) -> Iterator[Fault]:
        for place, name in enumerate(names):
            if name not in self._places or names.index(name) != place:
                yield ["columns", place], "Not a feature of this model, or named twice"

    def _faults_by_name(self, rows: Sequence[dict[str, Any]]) -> Iterator[Fault]:  # Any: JSON
        """The first fields at fault; looked for only when there is one."""
        pairs: Iterator[Fault] = (
            (["rows", number, name[:LONGEST_NAME]], self._fault(name, value))
            for number, row in enumerate(rows)
            for name, value in row.items()
        )
        return islice(((at, told) for at, told in pairs if told), MOST_FAULTS)

    def _faults_by_column(
        self, names: Sequence[str], rows: Sequence[list[Any]]
    ) -> Iterator[Fault]:  # Any: JSON
        pairs: Iterator[Fault] = (
            (["rows", number, place], self._fault(name, row[place]))
            for number, row in enumerate(rows)
            for place, name in enumerate(names)
        )
        return islice(((at, told) for at, told in pairs if told), MOST_FAULTS)

    def _fault(self, name: str, value: object) -> str:
        """What was expected of a value; empty when it is right."""
        if name not in self._places:
            return "Not a feature of this model"
        if name in self._codes:
            return "" if isinstance(value, str | None) else "Expected a category as text, or null"
        return "" if type(value) in PLAIN else "Expected a number, or null"


def parse_request(body: bytes) -> dict[str, Any]:  # Any: JSON
    """The document of a request, what stands in its rows still unseen.

    Raises
    ------
    RowFaultError
        It is no JSON, or other fields stand in it.
    """
    try:
        document = orjson.loads(body)  # refuses NaN, Infinity, half surrogates, endless depth
    except orjson.JSONDecodeError:
        raise RowFaultError([([], "Expected a JSON document without NaN or Infinity")]) from None
    if not isinstance(document, dict):
        raise RowFaultError([([], 'Expected an object: {"rows": [...]}')])
    faults: list[Fault] = [
        ([name[:LONGEST_NAME]], "Not a field of this request")
        for name in document
        if name not in FIELDS
    ]
    rows = document.get("rows")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
        faults.append((["rows"], f"Expected a list of 1 to {MOST_ROWS} rows"))
    if not isinstance(document.get("groups", True), bool):
        faults.append((["groups"], "Expected true or false"))
    if faults:
        raise RowFaultError(faults[:MOST_FAULTS])
    return document


def _pack(values: Sequence[object]) -> bytes | None:
    """The values as a booster reads them; None where one is no number.

    NumPy would read numbers from texts as well.
    """
    try:
        return struct.pack(f"{len(values)}d", *values)
    except struct.error:
        return None


def _not_of(rows: Sequence[object], kind: type, expected: str) -> list[Fault]:
    faults: list[Fault] = [
        (["rows", number], expected) for number, row in enumerate(rows) if type(row) is not kind
    ]
    return faults[:MOST_FAULTS]
