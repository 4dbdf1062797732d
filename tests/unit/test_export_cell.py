"""No text of an export for people runs in a spreadsheet, however it is set."""

from __future__ import annotations

import csv
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.cell import harmless_text

FORMULA = "=1+1|cmd"
MARKS = "=+-@\uff1d\uff0b\uff0d\uff20"
PASSED = " \t\r\n\u00a0\u200b\ufeff\"'"


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("before", ["", *PASSED, " \t", '" '])
def test_what_begins_a_formula_gets_an_apostrophe_before_all_else(mark: str, before: str) -> None:
    found = harmless_text(f"{before}{mark}1")
    assert found.startswith("'")
    assert found.replace("'", "") == f"{before}{mark}1".replace("'", "")


@pytest.mark.parametrize("text", ["\tx", "\rx", "\nx", "\t", "\r\n"])
def test_a_tab_or_line_end_that_begins_a_text_gets_one_too(text: str) -> None:
    assert harmless_text(text) == f"'{text}"


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("separator", [",", ";", "|", "\t", "\n", "\r\n"])
def test_a_cell_that_another_separator_would_begin_gets_one_too(separator: str, mark: str) -> None:
    assert harmless_text(f"Acme{separator} {mark}1") == f"Acme{separator} '{mark}1"


@pytest.mark.parametrize(
    "text",
    ["", "Acme", "Acme & Söhne", "株式会社", "A-1", "a = b", "1 - 2", "x@example.com",
     "Müller, Anna", "5", "👩‍💻", "usage fell by 62 %"],
)  # fmt: skip
def test_an_ordinary_text_stays_as_it_is(text: str) -> None:
    assert harmless_text(text) == text


def runs(cell: str) -> bool:
    """Whether a spreadsheet might run this: told without the code that is tested."""
    if cell[:1] in ("\t", "\r", "\n") and cell[:1]:
        return True
    rest = cell.lstrip(PASSED.replace("'", "") + "".join(map(chr, range(32))))
    folded = unicodedata.normalize("NFKC", rest[:1])
    return folded[:1] in ("=", "+", "-", "@", "\u2212") and bool(folded)


pieces = st.sampled_from([*MARKS, *PASSED, *",;|", "a", "7", FORMULA, "\u2212", "\ufe66", "\x1f"])
texts = st.lists(pieces, max_size=8).map("".join) | st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**9), 10**9)


@given(rows=st.lists(st.tuples(texts, numbers, texts), max_size=4))
@example(rows=[("", -1.5, "=1"), ("a;=1", -2, "\r\n=1")])
def test_written_as_csv_no_text_runs_and_every_number_is_read_back(
    rows: list[tuple[str, float, str]],
) -> None:
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([harmless_text(a), number, harmless_text(b)] for a, number, b in rows)
    written = file.getvalue()
    read = list(csv.reader(io.StringIO(written, newline="")))
    assert [float(row[1]) for row in read] == [number for _, number, _ in rows]
    for row, (first, _, last) in zip(read, rows, strict=True):
        for cell, text in ((row[0], first), (row[2], last)):
            assert not runs(cell)
            assert cell.replace("'", "") == text.replace("'", "")


@given(text=texts)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_read_with_another_separator_no_cell_runs_either(separator: str, text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerow(["a", harmless_text(text), "b"])
    for line in file.getvalue().replace("\r", "\n").split("\n"):
        for cell in line.split(separator):
            assert not runs(cell.lstrip('"'))


@given(text=texts)
def test_only_apostrophes_are_added_and_none_where_nothing_runs(text: str) -> None:
    found = harmless_text(text)
    assert found.replace("'", "") == text.replace("'", "")
    assert len(found) >= len(text)
    if not any(unicodedata.normalize("NFKC", mark)[:1] in "=+-@\u2212\t\r\n" for mark in text):
        assert found == text
