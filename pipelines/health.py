"""The health of today's customers, in words, and that of training rows, which a model must beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.catalogue import Feature
from features.dataset import Dataset
from features.north_star import CHANGE, change_names
from features.phrase import AS_GIVEN
from features.wording import describe
from models.health import Health, HealthFactor
from models.health_score import HealthScores, ProfilePart, score_health
from models.health_settings import CONDITIONS, HealthSettings
from models.table import FloatArray
from pipelines.collection import no_collection
from pipelines.population import Population

_WEIGHT = attrgetter("weight")


class Vitals(NamedTuple):
    """How an account does today; fields as in `AccountScore`."""

    health: Health | None
    north_star: float | None
    north_star_change: float | None


def health_of_rows(dataset: Dataset, settings: HealthSettings) -> FloatArray:
    """Health score of each row, (n,), 0-100, as known on its as-of date; NaN: too little is known.

    A profile's conditions are held against features alone: a segment of which only today's value
    is known counts as unknown in a past row.
    """
    frame = dataset.features
    return score_health(
        frame, _traits(frame), dataset.rows["as_of"].to_numpy(), settings=settings
    ).score


def find_vitals(
    population: Population, settings: HealthSettings, *, currency: str
) -> dict[str, Vitals]:
    """Health and north star of every account that has a row of features, by account id.

    Parameters
    ----------
    population : Population
    settings : HealthSettings
    currency : str
        Reporting currency, for the wording.
    """
    entries = _entries(population)
    if not entries:
        return {}
    frame = _one_row_each(population, list(entries))
    states = population.states.set_index("account_id").reindex(frame.index)
    traits = _traits(frame)
    for name in set(CONDITIONS) - set(traits):
        if name in states:
            traits[name] = states[name]
    as_of = np.full(len(frame), np.datetime64(population.as_of))
    found = score_health(frame, traits, as_of, settings=settings)
    with no_collection():
        health = _in_words(found, frame, entries, currency)
    star = north_star(entries, settings.north_star)
    level, change = (
        [None] * len(frame) if one is None else _numbers(frame[one.name])
        for one in (star or (None, None))
    )
    told = map(Vitals, health, level, change)
    return dict(zip(map(str, frame.index), told, strict=True))


def describe_health(population: Population, settings: HealthSettings) -> dict[str, object]:
    """What pages have to know beside the scores: the north star by name, unit and meaning.

    ``north_star`` is None where the company cannot have it.
    """
    star = north_star(_entries(population), settings.north_star)
    if star is None:
        return {"north_star": None}
    level, change = star
    return {
        "north_star": {
            "feature": level.name,
            "unit": level.unit,
            "meaning": level.meaning,
            "change": change.name,
            "change_meaning": change.meaning,
        }
    }


def north_star(entries: Mapping[str, Feature], name: str) -> tuple[Feature, Feature] | None:
    """The feature of that name and its change to the span before; None without either."""
    changes = (entries[one] for one in change_names(name) if one in entries)
    change = next((one for one in changes if one.unit == CHANGE), None)
    return None if change is None or name not in entries else (entries[name], change)


def _entries(population: Population) -> dict[str, Feature]:
    """The catalogue by name; nothing of a flat table, whose columns only bear their own names."""
    features = chain.from_iterable(
        dataset.catalogue.features for dataset in population.datasets.values()
    )
    found = {feature.name: feature for feature in features}
    return {} if any(feature.unit == AS_GIVEN for feature in found.values()) else found


def _one_row_each(population: Population, names: Sequence[str]) -> pd.DataFrame:
    """Features by account id: of its churn row, else of its next contract's row, else of any."""
    lead = set(population.states["contract_id"].dropna())
    frames: list[pd.DataFrame] = []
    for model in ("churn", "renewal"):
        dataset = population.datasets.get(model)
        if dataset is None or not len(dataset.rows):
            continue
        rows = dataset.rows
        next_first = np.argsort(~rows["contract_id"].isin(lead).to_numpy(), kind="stable")
        place = pd.Series(next_first, index=rows["account_id"].to_numpy()[next_first])
        place = place[~place.index.duplicated()]
        for frame in frames:
            place = place[~place.index.isin(frame.index)]
        frames.append(dataset.features[list(names)].iloc[place.to_numpy()].set_axis(place.index))
    return pd.concat(frames) if frames else pd.DataFrame(columns=list(names))


def _traits(features: pd.DataFrame) -> pd.DataFrame:
    return features[[name for name in CONDITIONS if name in features]].copy()


def _in_words(
    found: HealthScores, frame: pd.DataFrame, entries: Mapping[str, Feature], currency: str
) -> list[Health | None]:
    """The health of each row, (n,); None where there is no score."""
    health: list[Health | None] = [None] * len(frame)
    score, coverage = found.score.tolist(), found.coverage.tolist()
    outcome, experience = _numbers(found.outcome), _numbers(found.experience)
    for part in found.parts:
        scored = ~np.isnan(found.score[part.rows])
        factors = _factors(part, frame, entries, currency)
        for row in np.flatnonzero(scored).tolist():
            at = int(part.rows[row])
            health[at] = Health(
                score=score[at],
                outcome=outcome[at],
                experience=experience[at],
                coverage=coverage[at],
                profile=part.name,
                factors=tuple(factors[row]),
            )
    return health


def _factors(
    part: ProfilePart, frame: pd.DataFrame, entries: Mapping[str, Feature], currency: str
) -> list[list[HealthFactor]]:
    """The known factors of each of a profile's rows, the heaviest first."""
    told: list[list[HealthFactor]] = [[] for _ in part.rows]
    for place, one in enumerate(part.factors):
        feature = entries[one.feature]
        here = np.flatnonzero(part.weights[:, place] > 0)
        values = frame[one.feature].to_numpy(dtype=np.float64, na_value=np.nan)[part.rows[here]]
        cells = values.tolist()
        texts = {value: describe(feature, value, currency=currency) for value in set(cells)}
        made = map(
            HealthFactor,
            repeat(one.feature),
            repeat(one.side),
            part.scores[here, place].tolist(),
            part.weights[here, place].tolist(),
            cells,
            repeat(feature.unit),
            map(texts.__getitem__, cells),
        )
        for row, factor in zip(here.tolist(), made, strict=True):
            told[row].append(factor)
    for factors in told:
        factors.sort(key=_WEIGHT, reverse=True)
    return told


def _numbers(column: pd.Series | FloatArray) -> list[float | None]:
    """Plain numbers, None where there is none."""
    values = np.asarray(column, dtype=np.float64)
    return [None if value != value else value for value in values.tolist()]
