"""What the renewal model says of the contracts of a forecast, today and at past dates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from features.dataset import build_datasets, training_dates
from features.progress import Progress, silent
from features.source import Source
from models.forecast_report import ForecastReport
from models.predictor import Predictor
from models.refusal import reason_to_skip
from models.settings import TrainingSettings
from models.table import BoolArray, ModelTable
from models.training import fit_model
from pipelines.config import Config
from pipelines.forecast import forecast_with
from pipelines.forecast_voice import ModelVoice
from pipelines.home import Home
from pipelines.population import check_features
from pipelines.scoring import read_champions
from pipelines.source import model_table


def forecast_company(
    config: Config, source: Source, home: Home, *, quarters: int = 4, progress: Progress = silent
) -> ForecastReport:
    """What the coming quarters bring by the promoted model, see `forecast_with`."""

    def ask(origins: Sequence[date]) -> ModelVoice:
        return ask_model(config, source, home, origins=origins, progress=progress)

    return forecast_with(ask, config, source, quarters=quarters, progress=progress)


def ask_model(
    config: Config,
    source: Source,
    home: Home,
    *,
    origins: Sequence[date],
    progress: Progress = silent,
) -> ModelVoice:
    """Probabilities of the promoted model today, and of refits of its recipe at past dates.

    At a past date the model is one that is fitted anew on rows whose labels were known by the
    begin of that calendar quarter, since the promoted one has seen what came.
    """
    as_of = source.data_end
    bundle = read_champions(home, config).get("renewal")
    if bundle is None:
        return ModelVoice({}, False, "rates of past terms only: no renewal model is promoted")
    if bundle.card.data_end is not None and bundle.card.data_end > as_of:
        known = bundle.card.data_end
        return ModelVoice(
            {},
            False,
            "rates of past terms only: the promoted renewal model was trained on what was known by "
            f"{known}, after the as-of date",
        )
    dates = sorted({*training_dates(source), *origins, as_of})
    dataset = build_datasets(source, dates=dates, progress=progress)["renewal"]
    check_features("renewal", bundle.predictor, dataset)
    table = model_table(dataset, config)
    loss: dict[date, Mapping[str, float]] = {as_of: _speak(bundle.predictor, table, as_of)}
    fitted: dict[date, Predictor | None] = {}
    for origin in origins:
        begin = pd.Timestamp(origin).to_period("Q").start_time.date()
        if begin not in fitted:
            progress(f"renewal model fitted on what was known by {begin}")
            fitted[begin] = fit_as_of(table, begin, settings=config.training)
        predictor = fitted[begin]
        if predictor is not None:
            loss[origin] = _speak(predictor, table, origin)
    lead = config.labels.renewal.max_lead_days if config.labels.renewal else 0
    return ModelVoice(
        loss,
        True,
        f"the promoted renewal model (version {bundle.card.version}) for decisions due within "
        f"{lead} days, rates of past terms for all later ones",
    )


def fit_as_of(table: ModelTable, day: date, *, settings: TrainingSettings) -> Predictor | None:
    """The recipe fitted to rows of earlier dates whose labels were known by the day.

    None where these rows can give no model.
    """
    moment = pd.Timestamp(day)
    rows = table.rows
    known = (rows["label_known_at"] <= moment) & (rows["as_of"] < moment)
    part = table.part(table.mature & known.to_numpy(dtype=np.bool_))
    if reason_to_skip(part, part, part, settings=settings) is not None:
        return None
    return fit_model(part, settings=settings).predictor


def _speak(predictor: Predictor, table: ModelTable, day: date) -> dict[str, float]:
    """Loss probability of each contract with a row on the day."""
    here: BoolArray = (table.rows["as_of"] == pd.Timestamp(day)).to_numpy(dtype=np.bool_)
    part = table.part(here)
    chance = predictor.probability(part.features)
    contracts = part.rows["contract_id"].astype(str)
    return {name: float(value) for name, value in zip(contracts, chance, strict=True)}
