"""Were we right? The answer, and to whom it is given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from models.key_store import KeyStore
from models.life import Outcome
from models.row_filter import RowFilter
from models.service_store import ServiceStore
from models.store import SnapshotStore
from tests.integration.client import ask, serve
from tests.integration.company import due, snapshot

SHOWN = (
    due("A", 0.8, 300.0, segment="smb"),
    due("B", 0.6, 100.0, segment="mid"),
    due("C", 0.2, 100.0, segment="mid"),
)


def publish(store: SnapshotStore, known: str) -> str:
    """An old snapshot, and a new one that knows what became of some of its accounts."""
    old = replace(snapshot(*SHOWN, as_of=date(2026, 5, 1)), capacity=1, backfilled=True)
    old_id = store.backfill(old)
    assert old_id is not None
    outcomes = tuple(
        Outcome(
            snapshot_id=old_id, account_id=name, lost=name in "AB",
            known_on=date(2026, 10, 1), worked_on=name == "B",
        )
        for name in known
    )  # fmt: skip
    store.publish(replace(snapshot(*SHOWN), outcomes=outcomes))
    return old_id


@pytest.mark.parametrize("memory_mb", [64, 0])
def test_what_became_of_the_high_tier_is_told(
    store_url: str, store: SnapshotStore, memory_mb: int
) -> None:
    old_id = publish(store, "ABC")
    app = serve(store_url, memory_mb=memory_mb)
    told = ask(app, "/v1/track-record").json()
    app.close()
    record = told["record"]
    assert told["currency"] == "EUR"
    assert (record["snapshot_id"], record["as_of"]) == (old_id, "2026-05-01")
    assert (record["backfilled"], record["unknown"]) == (True, 0)
    assert record["total"]["expected"] == pytest.approx(1.6)
    assert record["high"] == {
        "accounts": 2, "lost": 2, "expected": pytest.approx(1.4), "arr": 400.0, "arr_lost": 400.0
    }  # fmt: skip
    assert (record["high_worked_on"]["accounts"], record["high_left_alone"]["accounts"]) == (1, 1)
    assert (record["top"]["accounts"], record["arr_lost_in_top"]) == (1, 0.75)


def test_it_is_too_early_while_much_is_not_known(store_url: str, store: SnapshotStore) -> None:
    publish(store, "A")
    app = serve(store_url)
    assert ask(app, "/v1/track-record").json()["record"] is None
    app.close()


def test_a_key_with_a_row_filter_gets_the_record_of_its_accounts(tmp_path: Path) -> None:
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("store", "service")]
    with SnapshotStore(urls[0]) as store:
        publish(store, "ABC")
    with ServiceStore(urls[1]) as service:
        keys = KeyStore(service)
        only = RowFilter({"segment": ["mid"]})
        made = keys.create("crm", ("scores:read",), only, now=datetime.now(UTC))
        app = serve(urls[0], service_store_url=urls[1])
        assert app.guards.keys is not None
        app.guards.keys.refresh()
        told = ask(app, "/v1/track-record", headers={"Authorization": f"Bearer {made.token}"})
        app.close()
    record = told.json()["record"]
    assert (record["total"]["accounts"], record["total"]["arr_lost"]) == (2, 100.0)
    assert (record["top"]["accounts"], record["top"]["lost"]) == (1, 1)
