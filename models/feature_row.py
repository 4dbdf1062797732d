"""Feature rows as a caller sends them, checked by the letter, as a booster's matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from models.card import FeatureColumn
from models.frame import MOST_ROWS

if TYPE_CHECKING:
    from models.table import FloatArray


MOST_FAULTS = 20  # told of one request
LONGEST_NAME = 100  # characters of a name that is not ours, as far as it is repeated
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
        self._blank: dict[str, None] = dict.fromkeys(column.name for column in columns)
        self._codes = {
            place: {name: float(code) for code, name in enumerate(column.categories)}
            for place, column in enumerate(columns)
            if column.kind == "category"
        }

    def read(self, body: bytes) -> FloatArray:
        """The matrix of the rows, (n, k), 1 <= n <= 100.

        NaN where a feature was left out, is null, or is a category that training did not see.

        Parameters
        ----------
        body : bytes
            JSON: ``{"rows": [{name: value, ...}, ...]}``.

        Raises
        ------
        RowFaultError
            With the places at fault.
        """
        rows = self._rows(body)
        # Most of this runs in C: a model of 100 features has 10,000 values to look at.
        if not set(map(type, rows)) <= {dict}:
            raise RowFaultError(_not_objects(rows))
        cells = [[*{**self._blank, **row}.values()] for row in rows]
        if any(len(row) != len(self._columns) for row in cells):
            raise RowFaultError(list(self._faults(rows)))
        for place, codes in self._codes.items():
            for row in cells:
                if type(row[place]) is str:
                    row[place] = codes.get(row[place])
                elif row[place] is not None:
                    raise RowFaultError(list(self._faults(rows)))
        if not set(map(type, chain.from_iterable(cells))) <= PLAIN:
            raise RowFaultError(list(self._faults(rows)))
        return np.array(cells, dtype=np.float64).reshape(len(cells), len(self._columns))

    @staticmethod
    def _rows(body: bytes) -> list[Any]:  # Any: JSON
        try:
            document = orjson.loads(body)  # refuses NaN, Infinity, half surrogates, endless depth
        except orjson.JSONDecodeError:
            raise RowFaultError(
                [([], "Expected a JSON document without NaN or Infinity")]
            ) from None
        if not isinstance(document, dict):
            raise RowFaultError([([], 'Expected an object: {"rows": [...]}')])
        unknown: list[Fault] = [
            ([name[:LONGEST_NAME]], "Not a field of this request")
            for name in document
            if name != "rows"
        ]
        rows = document.get("rows")
        if not isinstance(rows, list) or not 1 <= len(rows) <= MOST_ROWS:
            unknown.append((["rows"], f"Expected a list of 1 to {MOST_ROWS} rows"))
        if unknown:
            raise RowFaultError(unknown[:MOST_FAULTS])
        assert isinstance(rows, list)
        return rows

    def _faults(self, rows: Sequence[dict[str, Any]]) -> Iterator[Fault]:  # Any: JSON
        """The first fields at fault; looked for only when there is one."""
        yield from list(self._every_fault(rows))[:MOST_FAULTS]

    def _every_fault(self, rows: Sequence[dict[str, Any]]) -> Iterator[Fault]:  # Any: JSON
        columns = {column.name: column for column in self._columns}
        for number, row in enumerate(rows):
            for name, value in row.items():
                column = columns.get(name)
                if column is None:
                    yield ["rows", number, name[:LONGEST_NAME]], "Not a feature of this model"
                elif column.kind == "category" and not isinstance(value, str | None):
                    yield ["rows", number, name], "Expected a category as text, or null"
                elif column.kind == "number" and type(value) not in PLAIN:
                    yield ["rows", number, name], "Expected a number, or null"


def _not_objects(rows: Sequence[object]) -> list[Fault]:
    faults: list[Fault] = [
        (["rows", number], "Expected an object of features by name")
        for number, row in enumerate(rows)
        if not isinstance(row, dict)
    ]
    return faults[:MOST_FAULTS]
