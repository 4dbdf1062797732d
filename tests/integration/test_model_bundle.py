"""Bundles on disk."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from features.errors import InputError, InvariantError
from models.bundle import (
    GOLDEN_FILE,
    MODEL_FILE,
    REFITS_FILE,
    describe,
    feature_columns,
    read_bundle,
    read_refits,
    sha256,
    write_bundle,
)
from models.card import CARD_FILE, Card, read_card
from models.champion import bundle_folder, champion, promote
from models.encoding import Encoding
from models.refit import find_interval
from models.tier import Thresholds
from tests.integration.trained import PROVENANCE, trained_model
from tests.model_rows import make_table


def write(home: Path, version: str = "1") -> Path:
    trained = trained_model()
    folder = bundle_folder(home, "acme", "churn", version)
    card = describe(
        trained, PROVENANCE, version=version, thresholds=Thresholds(high=0.4, medium=0.2)
    )
    write_bundle(
        folder,
        predictor=trained.shipped.predictor,
        judged=trained.judged.predictor,
        card=card,
        golden=trained.golden,
        refits=trained.refits,
    )
    return folder


def test_a_bundle_that_is_read_again_gives_the_same_probabilities(tmp_path: Path) -> None:
    features = make_table().features
    read = read_bundle(write(tmp_path)).predictor.probability(features)
    np.testing.assert_array_equal(read, trained_model().shipped.predictor.probability(features))


def test_refits_that_are_read_again_give_the_same_intervals(tmp_path: Path) -> None:
    trained, features = trained_model(), make_table().features
    probability = trained.shipped.predictor.probability(features)
    made = find_interval(trained.refits, features, probability)
    read = find_interval(read_refits(read_bundle(write(tmp_path))), features, probability)
    assert float(made.width.min()) > 0
    np.testing.assert_array_equal(read, made)


def test_changed_refits_are_refused_by_whoever_reads_them(tmp_path: Path) -> None:
    folder = write(tmp_path)
    content = (folder / REFITS_FILE).read_bytes()
    (folder / REFITS_FILE).write_bytes(content.replace(b"1", b"2", 1))
    bundle = read_bundle(folder)
    with pytest.raises(InputError, match=r"refits\.json: its sha256 is not the one"):
        read_refits(bundle)


def test_a_bundle_that_was_made_without_refits_tells_no_interval(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / REFITS_FILE).unlink()
    files = read_card(folder).files
    change_card(folder, files={name: files[name] for name in files if name != REFITS_FILE})
    assert read_refits(read_bundle(folder)) is None


def test_the_card_says_what_the_model_is(tmp_path: Path) -> None:
    folder = write(tmp_path)
    card = read_card(folder)
    assert [column.name for column in card.features] == ["usage", "noise", "segment"]
    assert card.features[2].categories == ("large", "middle", "small")
    assert (card.thresholds.high, card.thresholds.medium) == (0.4, 0.2)
    assert (card.horizon_days, card.lead_days, card.label) == (90, 0, "lost within 90 days")
    assert card.metrics == trained_model().report.to_json()
    assert card.git_commit == "c" * 40
    assert card.config_hash == sha256(b"company: acme\n")
    assert card.versions["lightgbm"].startswith("4.")
    assert set(card.files) == {path.name for path in folder.iterdir()} - {CARD_FILE}


def test_a_feature_has_the_group_of_its_trait() -> None:
    encoding = Encoding(("plan", "usage"), {"plan": ("basic", "pro")})
    told = feature_columns(encoding, {"usage": "activity", "gone": "people"})
    assert [(column.name, column.kind, column.group) for column in told] == [
        ("plan", "category", ""),
        ("usage", "number", "activity"),
    ]


def test_reading_a_card_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from models.card import read_card; from models.champion import "
        "champion; read_card(pathlib.Path(sys.argv[1])); import models.bundle; "
        "heavy = {'numpy', 'pandas', 'lightgbm', 'mlflow', 'shap'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) if heavy else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(write(tmp_path))],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("name", [MODEL_FILE, GOLDEN_FILE])
def test_a_changed_file_is_refused_before_it_is_used(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content.replace(b"1", b"2", 1))
    with pytest.raises(InputError, match=rf"bundle churn/1.{name}: its sha256 is not the one"):
        read_bundle(folder)


@pytest.mark.parametrize("name", [MODEL_FILE, GOLDEN_FILE, CARD_FILE])
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"{name}: .*restore the bundle from a copy"):
        read_bundle(folder)


def test_a_card_that_leaves_out_a_file_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    change_card(folder, files={})
    with pytest.raises(InputError, match="no sha256 of it"):
        read_bundle(folder)


def test_a_card_that_points_outside_the_bundle_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    change_card(folder, files={"../champion": "0" * 64})
    with pytest.raises(InputError, match="own folder"):
        read_bundle(folder)


def test_a_card_of_another_form_names_the_keys(tmp_path: Path) -> None:
    folder = write(tmp_path)
    change_card(folder, rows="many", surprise=1)
    with pytest.raises(InputError, match="not a card that this version reads: rows, surprise"):
        read_card(folder)


def test_a_changed_calibration_is_found_by_the_golden_rows(tmp_path: Path) -> None:
    folder = write(tmp_path)
    change_card(folder, calibration={"slope": 2.0, "intercept": 0.0})
    with pytest.raises(InputError, match="probabilities come out"):
        read_bundle(folder)


def change_card(folder: Path, **changes: object) -> None:
    path = folder / CARD_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_bundle_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(InvariantError, match="written before"):
        write(tmp_path)


def test_a_write_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_card: Card) -> str:
        raise OSError("disk full")

    monkeypatch.setattr(Card, "to_text", fail)
    with pytest.raises(OSError, match="disk full"):
        write(tmp_path)
    assert list(bundle_folder(tmp_path, "acme", "churn", "1").parent.iterdir()) == []


def test_the_pointer_moves_to_the_promoted_version(tmp_path: Path) -> None:
    assert champion(tmp_path, "acme", "churn") is None
    first, second = write(tmp_path, "1"), write(tmp_path, "2")
    promote(tmp_path, "acme", "churn", "1")
    assert champion(tmp_path, "acme", "churn") == first
    promote(tmp_path, "acme", "churn", "2")
    assert champion(tmp_path, "acme", "churn") == second
    assert champion(tmp_path, "acme", "renewal") is None
    assert {path.name for path in first.parent.iterdir()} == {"1", "2", "champion"}


def test_a_version_that_was_not_written_cannot_be_promoted(tmp_path: Path) -> None:
    write(tmp_path, "1")
    promote(tmp_path, "acme", "churn", "1")
    with pytest.raises(InputError, match="no such bundle"):
        promote(tmp_path, "acme", "churn", "2")
    assert champion(tmp_path, "acme", "churn") == bundle_folder(tmp_path, "acme", "churn", "1")
