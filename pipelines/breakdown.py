"""A probability taken apart into base and contributions, and put together again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from features.catalogue import Feature
from features.dataset import ModelName
from features.errors import InvariantError
from features.source import Source
from models.account_score import Driver
from models.bundle import Bundle
from models.calibration import sigmoid
from pipelines.population import Population, Prediction
from pipelines.reason import Known, known_value, reasons_of_row

EXACT = 1e-9


@dataclass(frozen=True)
class Step:
    """One feature on the way from the rows to the probability.

    Parameters
    ----------
    driver : Driver
        Value, past, peers and contribution.
    feature : Feature
        The catalogue's entry: its meaning and its SQL.
    made_of : mapping of str to float, str or None
        What its SQL reads, by column; empty on Spark, which keeps none of it here.
    """

    driver: Driver
    feature: Feature
    made_of: Mapping[str, Known]

    def to_json(self) -> dict[str, object]:
        """The step as ``keepwell explain --json`` prints it."""
        entry = {"meaning": self.feature.meaning, "missing": self.feature.missing}
        made = {"sql": self.feature.expression.sql, "made_of": dict(self.made_of)}
        return {**self.driver.explanation(), **entry, **made}


@dataclass(frozen=True)
class Breakdown:
    """A probability taken apart.

    Parameters
    ----------
    model : str
    bundle : Bundle
        The version of the model, and which copy of it.
    base_log_odds : float
        Of a row of which nothing is known.
    probability : float
        Share 0-1: base and contributions summed, as a probability.
    direct : float
        The same straight from the trees and the calibration.
    interval : tuple of float, or None
        Ends of the probability's interval, shares 0-1; None without refits.
    steps : tuple of Step
        All features that contribute, the strongest first.
    groups : mapping of str to (float, float)
        Log-odds and points of probability by group of the catalogue, the strongest first.
    peers : str or None
        Segment of the peers; None where all rows are.
    peer_rows : int
        Rows of the model today that are peers.
    past_as_of : date
        Of the account's own past.
    """

    model: ModelName
    bundle: Bundle
    base_log_odds: float
    probability: float
    direct: float
    interval: tuple[float, float] | None
    steps: tuple[Step, ...]
    groups: Mapping[str, tuple[float, float]]
    peers: str | None
    peer_rows: int
    past_as_of: date

    @property
    def base_probability(self) -> float:
        """Share 0-1 from which the contributions start."""
        return _share(self.base_log_odds)

    @property
    def log_odds(self) -> float:
        """Base and contributions summed."""
        return self.base_log_odds + math.fsum(step.driver.contribution for step in self.steps)

    def to_json(self) -> dict[str, object]:
        """The part of ``keepwell explain --json`` about the probability."""
        card = self.bundle.card
        return {
            "model": {
                "name": self.model,
                "version": card.version,
                "copy": self.bundle.copy,
                "known_by": card.data_end,
                "created_at": card.created_at.isoformat(),
                "first_as_of": card.first_as_of,
                "last_as_of": card.last_as_of,
                "data_end": card.data_end,
                "rows": card.rows,
                "positives": card.positives,
                "label": card.label,
            },
            "probability": self.probability,
            "probability_interval": self.interval,
            "probability_of_the_model": self.direct,
            "sum": {
                "base_log_odds": self.base_log_odds,
                "base_probability": self.base_probability,
                "contributions": self.log_odds - self.base_log_odds,
                "log_odds": self.log_odds,
            },
            "groups": [
                {"group": name, "contribution": logs, "points": points}
                for name, (logs, points) in self.groups.items()
            ],
            "peers": {"segment": self.peers, "rows": self.peer_rows},
            "previous_as_of": self.past_as_of,
            "drivers": [step.to_json() for step in self.steps],
        }


class Target(NamedTuple):
    """The row of a prediction that is to be explained."""

    prediction: Prediction
    row: int


def take_apart(
    source: Source, population: Population, target: Target, bundle: Bundle, *, currency: str
) -> Breakdown:
    """The breakdown of one row of a prediction.

    Parameters
    ----------
    source : Source
        Its connection holds the features of the population.
    population : Population
    target : Target
    bundle : Bundle
        The model behind the prediction.
    currency : str

    Raises
    ------
    InvariantError
        When the sum is not the model's probability to 1e-9.
    """
    prediction, row = target
    dataset = prediction.dataset
    reasons = reasons_of_row(population, prediction, row, currency=currency)
    made_of = _made_of(source, prediction, row)
    entries = {feature.name: feature for feature in dataset.catalogue.features}
    steps = []
    for driver in reasons.drivers(row):
        entry = entries[driver.feature]
        columns = sorted(primitive.column for primitive in entry.expression.primitives)
        steps.append(Step(driver, entry, {c: made_of[c] for c in columns if c in made_of}))
    low, high = (float(end[row]) for end in prediction.interval)
    segment = reasons.peers.segment[row]
    peers = reasons.segment == segment if segment is not None else reasons.segment.index >= 0
    found = Breakdown(
        dataset.model,
        bundle,
        reasons.explanation.base,
        float(reasons.explanation.probability[0]),
        float(bundle.predictor.probability(dataset.features.iloc[[row]])[0]),
        None if math.isnan(low) else (low, high),
        tuple(steps),
        _groups(float(reasons.explanation.rates[0]), reasons.groups(row)),
        segment,
        int(peers.sum()),
        population.as_of - timedelta(days=max(source.settings.time.windows_days)),
    )
    _prove(found)
    return found


def _groups(rate: float, sums: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Log-odds and points by group; one rate turns the first into the second for the whole row."""
    ordered = sorted(sums.items(), key=lambda item: (-abs(item[1]), item[0]))
    return {name: (logs, logs * rate) for name, logs in ordered if logs != 0.0}


def _prove(found: Breakdown) -> None:
    """What is shown adds up to the probability that the model gives without being taken apart."""
    points = math.fsum(step.driver.points or 0.0 for step in found.steps)
    for name, value in (
        ("the sum of contributions", _share(found.log_odds)),
        ("the sum of points", found.base_probability + points),
    ):
        if abs(value - found.direct) > EXACT:
            raise InvariantError(f"{name} gives {value}, the model {found.direct}")


def _share(log_odds: float) -> float:
    return float(sigmoid(np.array(log_odds)))


def _made_of(source: Source, prediction: Prediction, row: int) -> dict[str, Known]:
    """The primitives of a row, by column; nothing on Spark."""
    if source.spark is not None:
        return {}
    key = prediction.dataset.rows.iloc[row]
    found = source.connection.execute(
        "SELECT * FROM primitive_row WHERE account_id = $1 AND as_of = CAST($2 AS DATE) "
        "AND contract_id IS NOT DISTINCT FROM $3",
        [key["account_id"], key["as_of"].date(), key["contract_id"]],
    )
    names = [str(column[0]) for column in found.description or ()]
    (cells,) = found.fetchall()
    return dict(zip(names, map(_cell, cells), strict=True))


# DuckDB gives dates, flags and numbers of several kinds.
def _cell(value: Any) -> Known:
    if value is None or isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else known_value(float(value))
