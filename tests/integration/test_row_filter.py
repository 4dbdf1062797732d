"""A row filter says the same in memory and in SQL, on SQLite and on PostgreSQL."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import not_, select

from models.account_score import AccountScore
from models.row_filter import FIELDS, MOST_VALUES, RowFilter
from models.store import SnapshotStore
from models.store_table import ACCOUNT_SCORE
from tests.integration.company import snapshot

# What databases like to take for one another: case, blanks, wildcards, numbers, two ways to write
# one letter, quotes, and what might be read as null.
LIKE = [
    "smb",
    "SMB",
    "smb ",
    " smb",
    "s%",
    "sm_",
    "1",
    "01",
    "1.0",
    "é",
    "e\u0301",
    "'",
    "NULL",
    "ß",
]
ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=5)
Case = tuple[list[dict[str, str | None]], list[RowFilter]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Accounts and filters of a few values, so that they meet, and of some that look like them."""
    pool = draw(st.lists((st.sampled_from(LIKE) | ANY).filter(bool), min_size=2, max_size=3))
    near = [*pool, *(value.swapcase() for value in pool), f"{pool[0]} ", f"{pool[0]}{pool[1]}", ""]
    field = st.none() | st.sampled_from(pool) | st.sampled_from(near)
    account = st.fixed_dictionaries(dict.fromkeys(FIELDS, field))
    values = st.lists(st.sampled_from(pool), min_size=1, max_size=3)
    books = st.dictionaries(st.sampled_from(FIELDS), values, max_size=2).map(RowFilter)
    accounts = draw(st.lists(account, min_size=4, max_size=12))
    return accounts, draw(st.lists(books, min_size=2, max_size=5))


@given(case=cases())
@settings(suppress_health_check=list(HealthCheck))  # one store holds the snapshots of all examples
def test_memory_and_sql_admit_the_same_accounts(store: SnapshotStore, case: Case) -> None:
    accounts, filters = case
    scores = [
        AccountScore(account_id=f"A{number:02}", state="no_term", **fields)  # type: ignore[arg-type]
        for number, fields in enumerate(accounts)
    ]
    snapshot_id = store.publish(snapshot(*scores))
    kept = store.ranking(snapshot_id, limit=100)
    for books in filters:
        check_same(store, snapshot_id, kept, books)


def check_same(
    store: SnapshotStore, snapshot_id: str, kept: list[AccountScore], books: RowFilter
) -> None:
    """Hold the filter as condition, as its opposite and as a column against the one in memory."""
    clause, row = books.clause(ACCOUNT_SCORE), ACCOUNT_SCORE.c
    here = select(row.account_id).where(row.snapshot_id == snapshot_id)
    expected = {score.account_id: books.admits(score) for score in kept}
    with store.database.read() as connection:
        inside = set(connection.scalars(here.where(clause)))
        outside = set(connection.scalars(here.where(not_(clause))))
        rows = connection.execute(here.add_columns(clause))
        told = {name: admitted for name, admitted in rows}  # noqa: C416  rows are no tuples
    assert inside == {name for name, admitted in expected.items() if admitted}
    assert outside == {name for name, admitted in expected.items() if not admitted}
    assert {name: bool(admitted) for name, admitted in told.items()} == expected
    assert None not in told.values()


def test_the_longest_filter_is_taken_by_both_databases(store: SnapshotStore) -> None:
    books = RowFilter({name: [f"{name} {n}" for n in range(MOST_VALUES)] for name in FIELDS})
    fields = {name: f"{name} {MOST_VALUES - 1}" for name in FIELDS}
    inside = AccountScore(account_id="in", state="no_term", **fields)  # type: ignore[arg-type]
    outside = AccountScore(account_id="out", state="no_term")
    snapshot_id = store.publish(snapshot(inside, outside))
    check_same(store, snapshot_id, store.ranking(snapshot_id, limit=5), books)
