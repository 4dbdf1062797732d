"""``keepwell score`` holds a snapshot back that is too far from what is served, unless forced."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.store import SnapshotStore
from tests.integration.conftest import wrap

Score = Callable[..., tuple[int, str, str]]
KEPT = "SELECT * FROM {{}} QUALIFY row_number() OVER (ORDER BY account_id) > {}"


def test_a_score_run_with_fewer_accounts_is_refused_until_it_is_forced(
    config: dict[str, Any], call: Score, home: Path
) -> None:
    code, out, _ = call("score", config)
    first = json.loads(out)
    assert (code, first["forced"]) == (0, [])
    wrap(config, "accounts", KEPT.format(130))
    code, out, err = call("score", config)
    problems = json.loads(out)["problems"]
    assert code == 2
    assert [problem["table"] for problem in problems] == ["publish", "publish"]
    assert [problem["column"] for problem in problems] == ["max_fewer", "max_missing"]
    assert "error: publish.max_fewer: " in err
    assert "if it is right, give --force" in err
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        header = store.current()
        assert header is not None
        assert header.snapshot_id == first["snapshot_id"]
        code, out, _ = call("score", config, "--force")
        forced = json.loads(out)
        header = store.current()
    assert code == 0
    assert header is not None
    assert header.snapshot_id == forced["snapshot_id"]
    assert header.previous_id == first["snapshot_id"]
    assert list(header.forced) == forced["forced"]
    assert [reason.split(":")[0] for reason in header.forced] == [
        "publish.max_fewer", "publish.max_missing"
    ]  # fmt: skip


def test_limits_and_retention_come_from_the_configuration(
    config: dict[str, Any], call: Score, home: Path
) -> None:
    config["retention"] = {"snapshots": 1}
    config["serving"] = {"stale_after_days": 2.5}
    ids = [json.loads(call("score", config)[1])["snapshot_id"] for _ in range(3)]
    with SnapshotStore(f"sqlite:///{home / 'store.db'}") as store:
        assert [name for name in ids if store.header(name)] == ids[1:]
        header = store.current()
        assert header is not None
        assert header.stale_after_days == 2.5
    config["publish"] = {"max_fewer": 0, "max_missing": 0, "allowed_accounts": 0}
    wrap(config, "accounts", KEPT.format(40))
    assert call("score", config)[0] == 2
