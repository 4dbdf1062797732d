"""What has learned nothing is said to have learned nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from pipelines.cli import main

DEMO = Path(__file__).parents[2] / "configs" / "demo.yaml"


def test_a_backtest_of_shuffled_labels_finds_nothing_and_records_nothing(
    demo_company: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KEEPWELL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    command = ["backtest", "--config", str(DEMO), "--data", str(demo_company), "--json"]
    monkeypatch.setattr(sys, "argv", ["keepwell", *command, "--shuffle-labels"])
    with pytest.raises(SystemExit) as ended:
        main()
    models = json.loads(capsys.readouterr().out)["models"]
    assert not ended.value.code
    for model in models.values():
        assert model["promoted"] is False
        assert model["verdict"] == "no better than chance"
        low, high = model["auc_interval"]
        assert low < 0.5 < high
    assert not (tmp_path / "home" / "mlflow").exists()
    assert not (tmp_path / "home" / "bundles").exists()
