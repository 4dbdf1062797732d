"""Rows scored by the promoted model, and all that may happen to it meanwhile."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pytest

from models.bundle import MODEL_FILE
from models.champion import bundle_folder
from models.driver import explain
from serving import live_models, scoring
from serving.response_compute import RowsAnswer
from tests.integration.client import problem
from tests.integration.damage import DAMAGES
from tests.integration.live_service import (
    COMPANY,
    PATH,
    ROWS,
    Service,
    is_alive,
    running,
    wait_until,
    write,
)
from tests.integration.trained import trained_model

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Looks for what is promoted as often as a test wants it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_models, "LOOK_S", 0.05)
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
            patch.setenv(name, NOWHERE)  # it plays no part
        yield


@pytest.fixture(scope="module")
def served(quick: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose promoted model is version 1; tests promote others as they like."""
    del quick
    home = tmp_path_factory.mktemp("home")
    write(home, "1")
    with running(home) as service:
        service.promote("1")
        wait_until(lambda: service.serves("1"))
        yield service


@pytest.fixture
def one(served: Service) -> Service:
    """The same, with version 1 in use."""
    served.promote("1")
    wait_until(lambda: served.serves("1"))
    return served


def features(rows: list[dict[str, Any]]) -> pd.DataFrame:
    names = ("usage", "noise", "segment")
    return pd.DataFrame(
        {
            name: pd.Series(
                [row.get(name) for row in rows], dtype=object if name == "segment" else float
            )
            for name in names
        }
    )


def test_each_row_gets_what_a_score_run_would_publish(one: Service) -> None:
    rows = [*ROWS["rows"], {"segment": "huge", "usage": 1}, {"usage": 1e300, "noise": -1e300}]
    answer = one.score({"rows": rows})
    assert answer.status_code == 200
    told = answer.json()
    assert RowsAnswer.model_validate(told).model_dump(mode="json") == told
    expected = explain(trained_model().shipped.predictor, features(rows))
    assert told["version"] == "1"
    assert (told["horizon_days"], told["lead_days"]) == (90, 0)
    assert told["base_log_odds"] == pytest.approx(expected.base, abs=1e-12)
    for row, result in enumerate(told["results"]):
        assert result["loss_probability"] == pytest.approx(expected.probability[row], abs=1e-12)
        by_name = {one["feature"]: one for one in result["drivers"]}
        for place, name in enumerate(("usage", "noise", "segment")):
            contribution = expected.contributions[row, place]
            if contribution:
                assert by_name[name]["contribution"] == pytest.approx(contribution, abs=1e-12)
                assert by_name[name]["points"] == pytest.approx(
                    expected.points[row, place], abs=1e-12
                )
        sizes = [abs(one["contribution"]) for one in result["drivers"]]
        assert sizes == sorted(sizes, reverse=True)
        summed = sum(one["contribution"] for one in result["groups"])
        assert told["base_log_odds"] + summed == pytest.approx(result["log_odds"], abs=1e-9)
        points = sum(one["points"] for one in result["groups"])
        assert told["base_probability"] + points == pytest.approx(
            result["loss_probability"], abs=1e-9
        )
    values = {one["feature"]: one["value"] for one in told["results"][0]["drivers"]}
    assert values == {"usage": -2.5, "noise": 0.1, "segment": "small"}
    unseen = {one["feature"]: one["value"] for one in told["results"][3]["drivers"]}
    assert unseen["segment"] is None  # what the model read


def test_rows_under_columns_are_the_same_rows(one: Service) -> None:
    by_column = {
        "columns": ["segment", "usage", "noise"],
        "rows": [["small", -2.5, 0.1], [None, None, None], [None] * 3],
    }
    told = one.score().json()
    assert one.score(by_column).json() == told
    short = one.score({**by_column, "groups": False}).json()
    assert [{**result, "groups": None} for result in told["results"]] == short["results"]


def test_a_long_answer_comes_under_gzip_where_the_caller_reads_it(one: Service) -> None:
    rows = {"rows": [{"usage": number / 100, "segment": "large"} for number in range(100)]}
    plain, zipped = (
        one.client.post(PATH, json=rows, headers={"Accept-Encoding": coding})
        for coding in ("identity", "gzip")
    )
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert zipped.json() == plain.json()
    for answer in (plain, zipped):
        assert answer.headers["vary"] == "Authorization, Accept-Encoding"
    short = one.client.post(PATH, json=ROWS, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in short.headers


def test_a_hundred_rows_are_scored_and_not_one_more(one: Service) -> None:
    row = {"usage": 0.5, "segment": "large"}
    assert len(one.score({"rows": [row] * 100}).json()["results"]) == 100
    document = problem(one.score({"rows": [row] * 101}), 422, "invalid-request")
    assert document["errors"] == [
        {"pointer": "#/rows", "place": "body", "detail": "Expected a list of 1 to 100 rows"}
    ]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"rows": [{}, {"seats": 1}]}', "#/rows/1/seats"),
        (b'{"rows": [{"a/b~": 1}]}', "#/rows/0/a~1b~0"),
        (b'{"rows": [{"usage": "1"}]}', "#/rows/0/usage"),
        (b'{"rows": [{"usage": NaN}]}', "#"),
        (b'{"rows": [{"usage": -Infinity}]}', "#"),
        (b'{"rows": [{"segment": "\\ud800"}]}', "#"),
        (b'{"rows": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "#"),
        (b'{"rows": []}', "#/rows"),
        (b"{}", "#/rows"),
        (b"", "#"),
    ],
)
def test_rows_that_are_not_as_documented_are_refused_with_the_place(
    one: Service, body: bytes, pointer: str
) -> None:
    answer = one.client.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert problem(answer, 422, "invalid-request")["errors"][0]["pointer"] == pointer


def test_a_body_of_another_kind_is_refused(one: Service) -> None:
    answer = one.client.post(PATH, content=orjson.dumps(ROWS), headers={"Content-Type": "text/csv"})
    problem(answer, 422, "invalid-request")
    big = orjson.dumps({"rows": [{"usage": 1.0, "x" * 2_000_000: 1}]})
    answer = one.client.post(PATH, content=big, headers={"Content-Type": "application/json"})
    problem(answer, 413, "too-large")


def test_a_body_that_grows_too_large_on_its_way_is_refused(one: Service) -> None:
    answer = one.client.post(
        PATH, content=iter([b" " * 1_100_000]), headers={"Content-Type": "application/json"}
    )
    problem(answer, 413, "too-large")


def test_a_query_is_refused(one: Service) -> None:
    document = problem(one.score(path=f"{PATH}?groups=false"), 422, "invalid-request")
    assert [fault["detail"] for fault in document["errors"]] == ["Not a parameter of this path"]


def test_a_model_that_there_is_not_or_not_yet_is_told_apart(one: Service) -> None:
    problem(one.score(path="/v1/models/upsell/score"), 404, "unknown-model")
    document = problem(one.score(path="/v1/models/renewal/score"), 409, "no-model")
    assert document["detail"] == "There is no renewal model of this company yet."
    assert one.client.get("/readyz").status_code == 200


def test_before_the_first_snapshot_nobody_knows_whose_model_it_is(
    quick: None, tmp_path: Path
) -> None:
    del quick
    with running(tmp_path, publishes=False) as service:
        problem(service.score(), 503, "no-snapshot")


def wait_until_refused(one: Service, version: str) -> None:
    """Point to a bundle as nobody should, and wait until it was found out."""
    before = one.refused()
    (one.home / "bundles" / COMPANY / "churn" / "champion").write_text(f"{version}\n")
    wait_until(lambda: one.refused() > before)


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_bundle_is_not_served_and_the_old_one_keeps_answering(
    one: Service, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    version = f"damaged-{list(DAMAGES).index(kind)}"
    DAMAGES[kind](write(one.home, version))
    process_id = one.live.process and one.live.process.process_id
    told = one.score().json()
    wait_until_refused(one, version)
    assert one.score().json() == told
    assert one.live.process is not None
    assert one.live.process.process_id == process_id
    assert one.figure('keepwell_bundle_behind{model="churn"}') == 1
    assert one.client.get("/readyz").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_bundle_that_cannot_be_loaded_in_time_is_not_served(
    one: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(one.home, "slow")
    monkeypatch.setattr(one.live, "load_s", 0.01)
    before = one.refused()
    one.promote("slow")
    wait_until(lambda: one.refused() > before)
    assert one.serves("1")


def test_a_refused_bundle_raises_the_metric_and_is_told_once(
    one: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_models, "RETRY_S", 0.0)
    DAMAGES["model.txt missing"](write(one.home, "half"))
    before = one.refused()
    one.promote("half")
    wait_until(lambda: one.refused() >= before + 2)  # it is tried again
    lines = [one.getMessage() for one in caplog.records if "is not served" in one.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("the promoted churn model, version half, is not served: bundle ")


def test_a_pointer_that_leads_astray_or_is_gone_leaves_what_serves(one: Service) -> None:
    pointer = one.home / "bundles" / COMPANY / "churn" / "champion"
    for content in (b"../../../etc\n", b"\xff\xfe", b"..\n", b""):
        pointer.write_bytes(content)
        for _ in range(10):
            assert one.serves("1")
    pointer.unlink()
    assert one.serves("1")


class Planted:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return (os.mkdir, (str(self.path), 0o700))


def test_a_planted_pickle_never_runs(one: Service, tmp_path: Path) -> None:
    trap = pickle.dumps(Planted(tmp_path / "ran"))
    for version, name in (("trap-1", "model.pkl"), ("trap-2", MODEL_FILE), ("trap-3", "card.json")):
        (write(one.home, version) / name).write_bytes(trap)
        wait_until_refused(one, version)
    assert one.serves("1")
    assert not (tmp_path / "ran").exists()
    pickle.loads(trap)  # the trap works
    assert (tmp_path / "ran").exists()


def test_a_promotion_is_followed_without_an_answer_lost(one: Service) -> None:
    answers: list[httpx.Response] = []
    stopped = threading.Event()

    def press() -> None:
        with httpx.Client(base_url=one.client.base_url, timeout=60) as client:
            while not stopped.is_set():
                answers.append(client.post(PATH, json=ROWS))

    threads = [threading.Thread(target=press) for _ in range(2)]
    for thread in threads:
        thread.start()
    left = []
    for version in ("2", "3"):
        write(one.home, version)
        assert one.live.process is not None
        left.append(one.live.process.process_id)
        one.promote(version)
        wait_until(partial(one.serves, version))
    stopped.set()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    versions = [answer.json()["version"] for answer in answers]
    assert {"1", "3"} <= set(versions)
    wait_until(lambda: not any(map(is_alive, left)))


def test_a_worker_that_is_killed_is_replaced(one: Service) -> None:
    assert one.live.process is not None
    ended = one.figure('keepwell_compute_ended_total{model="churn"}')
    killed = one.live.process.process_id
    os.kill(killed, signal.SIGKILL)
    statuses: list[int] = []
    while not statuses or statuses[-1] != 200 or one.live.process.process_id == killed:
        answer = one.score()
        statuses.append(answer.status_code)
        if answer.status_code != 200:
            problem(answer, 503, "model-away")
            assert answer.headers["retry-after"] == "5"
        assert one.client.get("/v1/accounts/A1/risk").status_code == 200
    assert one.figure('keepwell_compute_ended_total{model="churn"}') == ended + 1


def test_where_the_promoted_bundle_is_damaged_a_killed_worker_comes_back_as_it_was(
    one: Service,
) -> None:
    before = one.refused()
    DAMAGES["half a model"](write(one.home, "half-2"))
    one.promote("half-2")
    wait_until(lambda: one.refused() > before)
    assert one.live.process is not None
    os.kill(one.live.process.process_id, signal.SIGKILL)
    wait_until(lambda: one.score().status_code == 503)
    wait_until(lambda: one.serves("1"))


def test_while_too_many_wait_the_answer_is_503_at_once_and_lookups_go_on(
    one: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "MOST_WAITING", 3)
    monkeypatch.setattr(scoring, "WITHIN_S", 2.0)
    assert one.live.process is not None
    stuck = one.live.process.process_id
    os.kill(stuck, signal.SIGSTOP)  # a worker that hangs

    async def press() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=one.client.base_url, timeout=60) as client:
            asked = [asyncio.create_task(client.post(PATH, json=ROWS)) for _ in range(8)]
            for _ in range(50):
                answer = await client.get("/v1/accounts/A1/risk")
                assert answer.status_code == 200
            return list(await asyncio.gather(*asked))

    answers = asyncio.run(press())
    details = [problem(answer, 503, "overloaded")["detail"] for answer in answers]
    assert details.count("3 requests for rows wait already.") == 5
    assert details.count("No answer within 2 s.") == 3
    assert all(answer.headers["retry-after"] for answer in answers)
    wait_until(lambda: one.serves("1"))
    assert not is_alive(stuck)


def test_another_companys_model_never_answers(quick: None, tmp_path: Path) -> None:
    del quick
    write(tmp_path, "1")
    with running(tmp_path) as service:
        service.promote("1")
        wait_until(lambda: service.serves("1"))
        service.publish(company="other")
        wait_until(lambda: service.score().status_code == 409)
        problem(service.score(), 409, "no-model")


def test_the_worker_ends_with_the_service(quick: None, tmp_path: Path) -> None:
    del quick
    write(tmp_path, "1")
    with running(tmp_path) as service:
        service.promote("1")
        wait_until(lambda: service.serves("1"))
        assert service.live.process is not None
        process_id = service.live.process.process_id
    assert not is_alive(process_id)


def test_every_bundle_of_the_tests_is_whole_before_it_is_damaged(one: Service) -> None:
    write(one.home, "whole")
    one.promote("whole")
    wait_until(lambda: one.serves("whole"))
    assert bundle_folder(one.home, COMPANY, "churn", "whole").is_dir()
    assert np.isfinite(one.score().json()["results"][0]["log_odds"])
