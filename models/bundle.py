"""A trained model on disk: the booster as text, its card, and rows that prove it still works."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from features.errors import InvariantError
from models.card import (
    CARD_FILE,
    Card,
    CardCalibration,
    CardThresholds,
    FeatureColumn,
    bundle_problem,
    read_card,
)
from models.tier import Thresholds

if TYPE_CHECKING:
    import pandas as pd

    from models.encoding import Encoding
    from models.predictor import Predictor
    from models.refit import Refits
    from models.trained import Trained

MODEL_FILE = "model.txt"
GOLDEN_FILE = "golden.json"
REFITS_FILE = "refits.json"
JUDGED_FILE = "judged.json"
GOLDEN_TOLERANCE = 1e-9
LIBRARIES = ("keepwell", "lightgbm", "numpy", "pandas", "scikit-learn")


@dataclass(frozen=True)
class Provenance:
    """Where a model comes from.

    Parameters
    ----------
    company : str
        As in the configuration.
    label : str
        Definition of the label, as a sentence.
    config_text : str
        The resolved configuration, secrets taken out.
    data_hash : str
        sha256 of what was read.
    git_commit : str or None
        None outside a checkout.
    created_at : datetime
        With a time zone.
    assembled : bool
        Whether Keepwell built the rows from dated tables, so that it answers for what a row knows.
    """

    company: str
    label: str
    config_text: str
    data_hash: str
    git_commit: str | None
    created_at: datetime
    assembled: bool = True


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle that was read and proved; with its ``judged`` copy see `models.judged_copy`."""

    card: Card
    predictor: Predictor
    folder: Path
    copy: Literal["shipped", "judged"] = "shipped"


def describe(
    trained: Trained, provenance: Provenance, *, version: str, thresholds: Thresholds
) -> Card:
    """The card of a trained model, as yet without the hashes of its files.

    Parameters
    ----------
    trained : Trained
        Judged and refitted.
    provenance : Provenance
        Where it comes from.
    version : str
        As the registry numbered it.
    thresholds : Thresholds
        Of the risk tiers.
    """
    shipped = trained.shipped
    calibration = shipped.predictor.calibration
    known = trained.report.test.known
    return Card(
        company=provenance.company,
        model=trained.model,
        version=version,
        created_at=provenance.created_at,
        features=feature_columns(
            shipped.predictor.encoding,
            {name: trait.group for name, trait in trained.test.traits.items()},
        ),
        calibration=CardCalibration(slope=calibration.slope, intercept=calibration.intercept),
        thresholds=CardThresholds(high=thresholds.high, medium=thresholds.medium),
        first_as_of=shipped.as_of[0].date() if known else None,
        last_as_of=shipped.as_of[1].date() if known else None,
        data_end=trained.test.data_end,
        rows=shipped.rows,
        positives=shipped.positives,
        horizon_days=trained.test.horizon_days,
        lead_days=trained.test.lead_days,
        label=provenance.label,
        metrics=trained.report.to_json(),
        params=shipped.params,
        versions={name: installed(name) for name in LIBRARIES},
        git_commit=provenance.git_commit,
        data_hash=provenance.data_hash,
        config_hash=sha256(provenance.config_text.encode()),
        recipe=trained.recipe,
        judged_from=trained.report.test.first.date() if known else None,
    )


def write_bundle(
    folder: Path,
    *,
    predictor: Predictor,
    judged: Predictor,
    card: Card,
    golden: pd.DataFrame,
    refits: Refits | None = None,
) -> Card:
    """Write a bundle, whole or not at all, and return its card with the hashes.

    Parameters
    ----------
    folder : Path
        Must not exist; its parents are made.
    predictor : Predictor
        The model to ship.
    judged : Predictor
        The copy of it that was judged, for the next challenger and for past dates.
    card : Card
        From `describe`.
    golden : DataFrame, (a few, k)
        Feature rows whose probabilities are kept as a proof.
    refits : Refits, optional
        For the intervals of its probabilities.
    """
    from models.predictor import write_predictor

    if folder.exists():
        raise InvariantError(f"bundle {folder.parent.name}/{folder.name} was written before")
    contents = {
        MODEL_FILE: predictor.booster.model_to_string().encode(),
        GOLDEN_FILE: _golden_text(predictor, golden).encode(),
        JUDGED_FILE: write_predictor(judged).encode(),
    }
    if refits is not None:
        contents[REFITS_FILE] = _refits_text(refits).encode()
    card = card.model_copy(
        update={"files": {name: sha256(content) for name, content in contents.items()}}
    )
    draft = folder.with_name(f".{folder.name}.{uuid4().hex}")
    draft.mkdir(parents=True)
    try:
        for name, content in {**contents, CARD_FILE: card.to_text().encode()}.items():
            (draft / name).write_bytes(content)
        draft.replace(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return card


def read_bundle(folder: Path, *, threads: int = 1) -> Bundle:
    """The bundle in a folder, every file checked before it is used.

    Parameters
    ----------
    folder : Path
        Of one bundle.
    threads : int
        For predicting.

    Raises
    ------
    InputError
        When a file is missing, was changed, or no longer gives the golden probabilities.
    """
    import lightgbm as lgb

    from models.calibration import Calibration
    from models.encoding import Encoding
    from models.predictor import Predictor

    card = read_card(folder)
    contents = {
        name: read_file(folder, name, digest)
        for name, digest in card.files.items()
        if name != REFITS_FILE  # checked when it is read
    }
    for name in (MODEL_FILE, GOLDEN_FILE):
        if name not in contents:
            raise bundle_problem(folder, name, "card.json has no sha256 of it")
    encoding = Encoding(
        tuple(column.name for column in card.features),
        {column.name: column.categories for column in card.features if column.kind == "category"},
    )
    predictor = Predictor(
        # A tampered text crashes the process: the hash is checked first.
        lgb.Booster(model_str=contents[MODEL_FILE].decode()),
        encoding,
        Calibration(card.calibration.slope, card.calibration.intercept),
        threads,
    )
    _check_golden(folder, card, predictor, contents[GOLDEN_FILE])
    return Bundle(card, predictor, folder)


def read_refits(bundle: Bundle) -> Refits | None:
    """The refits of a bundle, for whoever tells intervals; None where it was made without.

    Parameters
    ----------
    bundle : Bundle
        That was read before.

    Raises
    ------
    InputError
        When the file is missing or was changed.
    """
    import lightgbm as lgb

    from models.calibration import Calibration
    from models.predictor import Predictor
    from models.refit import Refits, restrict

    digest = bundle.card.files.get(REFITS_FILE)
    if digest is None:
        return None
    kept = json.loads(read_file(bundle.folder, REFITS_FILE, digest))
    whole, threads = bundle.predictor.encoding, bundle.predictor.threads
    encoding = restrict(whole, kept["columns"])
    predictors = (
        Predictor(
            lgb.Booster(model_str=one["model"]),
            encoding,
            Calibration(one["slope"], one["intercept"]),
            threads,
        )
        for one in kept["refits"]
    )
    return Refits(whole, tuple(predictors))


def read_judged(folder: Path, *, threads: int = 1) -> Predictor | None:
    """The copy that was judged, from the bundle in a folder; None in bundles without it.

    Parameters
    ----------
    folder, threads
        As for `read_bundle`.

    Raises
    ------
    InputError
        When the file is missing or was changed.
    """
    from models.predictor import read_predictor

    digest = read_card(folder).files.get(JUDGED_FILE)
    if digest is None:
        return None
    return read_predictor(read_file(folder, JUDGED_FILE, digest).decode(), threads=threads)


def sha256(content: bytes) -> str:
    """Hexadecimal sha256."""
    return hashlib.sha256(content).hexdigest()


def feature_columns(encoding: Encoding, groups: Mapping[str, str]) -> tuple[FeatureColumn, ...]:
    """The features as a card holds them, in the order of the matrix.

    Parameters
    ----------
    encoding : Encoding
    groups : mapping of str to str
        Group of the catalogue by feature; one that is not there has none.
    """
    known = encoding.categories
    return tuple(
        FeatureColumn(
            name=name, kind="category", categories=known[name], group=groups.get(name, "")
        )
        if name in known
        else FeatureColumn(name=name, kind="number", group=groups.get(name, ""))
        for name in encoding.columns
    )


def read_file(folder: Path, name: str, digest: str) -> bytes:
    """Contents of a bundle's file, once its sha256 is the one given.

    Raises
    ------
    InputError
        When the file is missing, was changed, or lies elsewhere.
    """
    if Path(name).name != name:
        raise bundle_problem(folder, name, "a bundle's files lie in its own folder")
    path = folder / name
    if not path.is_file():
        raise bundle_problem(folder, name, "the file is missing")
    content = path.read_bytes()
    if sha256(content) != digest:
        raise bundle_problem(folder, name, "its sha256 is not the one in card.json")
    return content


def _golden_text(predictor: Predictor, golden: pd.DataFrame) -> str:
    matrix = predictor.encoding.encode(golden)
    probability = predictor.calibration.probability(predictor.raw(matrix))
    rows = [[None if value != value else value for value in row] for row in matrix.to_numpy()]
    return json.dumps({"rows": rows, "probability": probability.tolist()}, allow_nan=False)


def _refits_text(refits: Refits) -> str:
    """The refits as text models with their calibrations."""
    kept = [
        {
            "model": one.booster.model_to_string(),
            "slope": one.calibration.slope,
            "intercept": one.calibration.intercept,
        }
        for one in refits.predictors
    ]
    columns = list(refits.predictors[0].encoding.columns)
    return json.dumps({"columns": columns, "refits": kept}, allow_nan=False)


def _check_golden(folder: Path, card: Card, predictor: Predictor, content: bytes) -> None:
    import numpy as np
    import pandas as pd

    golden = json.loads(content)
    matrix = pd.DataFrame(
        np.array(golden["rows"], dtype=np.float64).reshape(-1, len(card.features)),
        columns=list(predictor.encoding.columns),
    )
    now = predictor.calibration.probability(predictor.raw(matrix))
    distance = float(np.abs(now - np.array(golden["probability"])).max(initial=0.0))
    if not distance <= GOLDEN_TOLERANCE:
        made, here = card.versions.get("lightgbm", "unknown"), installed("lightgbm")
        raise bundle_problem(
            folder,
            GOLDEN_FILE,
            f"its probabilities come out {distance:.2g} off (made with lightgbm {made}, "
            f"read with {here})",
        )
