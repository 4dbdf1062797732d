"""A promoted model as a compute worker holds it: proved, and quick at few rows, without pandas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import lightgbm as lgb
import numpy as np
import orjson

from models.bundle import GOLDEN_FILE, GOLDEN_TOLERANCE, MODEL_FILE
from models.calibration import Calibration, sigmoid
from models.card import Card, bundle_problem
from models.contribution import Node
from models.contribution_table import make_table
from models.driver import NOWHERE, point_rate, strongest, sum_groups
from models.feature_row import RowReader, parse_request
from models.proof import Proof

if TYPE_CHECKING:
    from models.table import FloatArray

DRIVERS = 5  # of a row, as a score run tells
LARGEST_LEAF = 1e6  # log-odds; no training gives such a leaf, and sums of larger ones overflow
ADDS_UP = 1e-6  # log-odds
NO_GROUP = "other"  # of bundles written before groups were kept


class LiveModel:
    """Scores rows with the model of a bundle.

    Parameters
    ----------
    card : Card
        Of the bundle.
    booster : lightgbm.Booster
        Its model.
    """

    def __init__(self, card: Card, booster: lgb.Booster) -> None:
        self.card = card
        self._booster = booster
        self._calibration = Calibration(card.calibration.slope, card.calibration.intercept)
        self._table = make_table(booster)
        self._reader = RowReader(card.features)
        self._names = [column.name for column in card.features]
        self._groups = [column.group or NO_GROUP for column in card.features]
        self._categories = [column.categories for column in card.features]
        self._head = {
            "company": card.company,
            "name": card.model,
            "version": card.version,
            "horizon_days": card.horizon_days,
            "lead_days": card.lead_days,
        }

    def probability(self, matrix: FloatArray) -> FloatArray:
        """Published probability 0-1, (n,), of encoded rows, (n, k)."""
        raw = self._booster.predict(matrix, raw_score=True, num_threads=1)
        return self._calibration.probability(np.asarray(raw, dtype=np.float64))

    def contributions(self, matrix: FloatArray) -> tuple[FloatArray, float]:
        """Log-odds that each feature adds, (n, k), and those of the base."""
        raw = self._table.look_up(matrix) if self._table else None
        if raw is None:
            raw = np.asarray(self._booster.predict(matrix, pred_contrib=True, num_threads=1))
        slope, intercept = self._calibration.slope, self._calibration.intercept
        return slope * raw[:, :-1], slope * float(raw[0, -1]) + intercept

    def answer(self, body: bytes) -> bytes:
        """The answer to a request for rows, as JSON.

        Parameters
        ----------
        body : bytes
            As `parse_request` takes it.

        Raises
        ------
        RowFaultError
            The rows are not as documented.
        ArithmeticError
            The model gives no finite number for them.
        """
        document = parse_request(body)
        matrix = self._reader.read(document)
        contributions, base = self.contributions(matrix)
        distance = contributions.sum(axis=1)
        if not np.isfinite(distance).all():
            raise ArithmeticError("the model gives no finite number")
        log_odds = base + distance
        rates = point_rate(base, distance)
        results = zip(
            sigmoid(log_odds).tolist(),
            log_odds.tolist(),
            self._drivers(matrix, contributions, rates),
            self._sums(contributions, rates)
            if document.get("groups", True)
            else repeat(None, len(matrix)),
            strict=True,
        )
        answer = {
            **self._head,
            "base_probability": float(sigmoid(np.array(base))),
            "base_log_odds": base,
            "results": [
                {"loss_probability": p, "log_odds": odds, "drivers": drivers, "groups": groups}
                for p, odds, drivers, groups in results
            ],
        }
        return orjson.dumps(answer)

    def _drivers(
        self, matrix: FloatArray, contributions: FloatArray, rates: FloatArray
    ) -> Iterator[list[dict[str, object]]]:
        """Each row's strongest contributions, the strongest first."""
        places = strongest(contributions, count=DRIVERS)
        rows = np.arange(len(matrix))[:, None]
        added = contributions[rows, places]
        names, groups, categories = self._names, self._groups, self._categories
        for row_places, row_values, row_added, row_points in zip(
            places.tolist(),
            matrix[rows, places].tolist(),
            added.tolist(),
            (added * rates[:, None]).tolist(),
            strict=True,
        ):
            yield [
                {
                    "feature": names[place],
                    "group": groups[place],
                    # NaN is null in JSON
                    "value": categories[place][int(value)]
                    if categories[place] and value == value
                    else value,
                    "direction": "raises" if contribution > 0 else "lowers",
                    "contribution": contribution,
                    "points": points,
                }
                for place, value, contribution, points in zip(
                    row_places, row_values, row_added, row_points, strict=True
                )
                if place != NOWHERE
            ]

    def _sums(self, contributions: FloatArray, rates: FloatArray) -> Iterator[orjson.Fragment]:
        """Each row's contributions by group, the strongest first, as JSON.

        Written here since they are half of an answer: making objects of them for `orjson` to write
        takes as long again.
        """
        names, sums = sum_groups(contributions, self._groups)
        order = np.argsort(-np.abs(sums), axis=1, kind="stable")
        ranked = np.take_along_axis(sums, order, axis=1)
        heads = [b'},{"group":%b,"contribution":' % orjson.dumps(name) for name in names]
        parts = [b',"points":'] * (4 * ranked.size)
        parts[0::4] = [heads[place] for place in order.ravel().tolist()]
        parts[1::4] = _numbers(ranked)
        parts[3::4] = _numbers(ranked * rates[:, None])
        length = 4 * len(names)
        for begin in range(0, len(parts), length):
            told = b"".join(parts[begin : begin + length])
            yield orjson.Fragment(b"[%b}]" % told.removeprefix(b"},"))


def _numbers(values: FloatArray) -> list[bytes]:
    """Each number as `orjson` writes it, row by row."""
    told = orjson.dumps(values.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)
    return told[1:-1].split(b",")


def load_live_model(proof: Proof) -> LiveModel:
    """The model of a bundle, once it has given the golden probabilities.

    Parameters
    ----------
    proof : Proof
        That the bundle is whole: a text model that was tampered with crashes the process.

    Raises
    ------
    InputError
        When it is no such model, or does not predict what it did.
    """
    folder, card = proof.folder, proof.card
    try:
        booster = lgb.Booster(model_str=proof.model.decode())
        _check_booster(folder, card, booster)
        live = LiveModel(card, booster)
        _check_golden(folder, live, proof.golden)
    except (lgb.basic.LightGBMError, ArithmeticError, LookupError, TypeError, ValueError) as fault:
        rule = f"it cannot be used: {type(fault).__name__}"
        raise bundle_problem(folder, MODEL_FILE, rule) from None
    return live


def _check_booster(folder: Path, card: Card, booster: lgb.Booster) -> None:
    if booster.feature_name() != [column.name for column in card.features]:
        raise bundle_problem(folder, MODEL_FILE, "its features are not those of card.json")
    dump = booster.dump_model()
    if dump["num_tree_per_iteration"] != 1:
        raise bundle_problem(folder, MODEL_FILE, "it predicts more than one number")
    leaves = chain.from_iterable(_leaves(info["tree_structure"]) for info in dump["tree_info"])
    if not all(abs(leaf) <= LARGEST_LEAF for leaf in leaves):
        raise bundle_problem(folder, MODEL_FILE, "a leaf holds a number that no training gives")


def _leaves(node: Node) -> Iterator[float]:
    if "split_index" in node:
        yield from _leaves(node["left_child"])
        yield from _leaves(node["right_child"])
    else:
        yield float(node["leaf_value"])


def _check_golden(folder: Path, live: LiveModel, content: bytes) -> None:
    """Raise when the model, or what it says of contributions, is not what was written."""
    golden = orjson.loads(content)
    matrix = np.array(golden["rows"], dtype=np.float64)
    written = np.array(golden["probability"], dtype=np.float64)
    if not len(matrix) or matrix.shape != (len(written), len(live.card.features)):
        raise bundle_problem(folder, GOLDEN_FILE, "its rows are not those of this model")
    distance = float(np.abs(live.probability(matrix) - written).max())
    if not distance <= GOLDEN_TOLERANCE:
        rule = f"its probabilities come out {distance:.2g} off"
        raise bundle_problem(folder, GOLDEN_FILE, rule)
    contributions, base = live.contributions(matrix)
    summed = sigmoid(base + contributions.sum(axis=1))
    if not float(np.abs(summed - written).max()) <= ADDS_UP:
        raise bundle_problem(
            folder, GOLDEN_FILE, "contributions do not add up to its probabilities"
        )
