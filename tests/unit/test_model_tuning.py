"""The search for parameters."""

from __future__ import annotations

import numpy as np
import optuna
import pytest

from models.bootstrap import Estimate
from models.choice import Choice
from models.recipe import train_model
from models.settings import ModelSettings, TrainingSettings, TuningSettings
from models.split import split_rows
from models.table import ModelTable
from models.trained import Trained
from models.training import booster_parameters
from models.tuning import default_trial, inner_rows, suggest, tune
from tests.model_rows import make_table

TRAINING = TrainingSettings(max_trees=20, replicates=100, folds=4, refits=0)
SETTINGS = ModelSettings(training=TRAINING, tuning=TuningSettings(trials=3))


def training_part() -> ModelTable:
    """The rows that a model of the made-up table learns from."""
    table = make_table(accounts=120)
    return table.part(split_rows(table).train)


def test_an_inner_fold_knows_only_labels_known_by_its_first_tested_date() -> None:
    train = training_part()
    folds = list(inner_rows(train, seed=0))
    assert len(folds) == 9
    for fold in folds:
        first = train.rows["as_of"][fold.test].min()
        for known in (fold.train, fold.stop):
            assert (train.rows["label_known_at"][known] <= first).all()
            assert (train.rows["as_of"][known] < first).all()


def test_no_parent_is_both_learnt_from_and_tested_on() -> None:
    train = training_part()
    for fold in inner_rows(train, seed=0):
        assert not set(train.group[fold.train]) & set(train.group[fold.test])


def test_every_tested_row_is_tested_once() -> None:
    train = training_part()
    times = np.sum([fold.test for fold in inner_rows(train, seed=0)], axis=0)
    assert times.max() == 1


def test_rows_of_one_date_allow_no_search() -> None:
    train = training_part()
    single = train.part((train.rows["as_of"] == train.rows["as_of"].min()).to_numpy(np.bool_))
    choice = tune(single, SETTINGS)
    assert choice.chosen == {}
    assert "too little time" in choice.to_text()


def test_the_same_rows_and_seed_give_the_same_choice() -> None:
    assert tune(training_part(), SETTINGS) == tune(training_part(), SETTINGS)


def test_the_default_is_the_first_trial_and_within_the_searched_ranges() -> None:
    for rows in (500, 5000, 50_000):
        base = booster_parameters(TRAINING, rows=rows)
        # A value outside its range would warn, and a warning fails.
        trial = optuna.trial.FixedTrial(default_trial(base))
        assert suggest(trial, base) == default_trial(base)


@pytest.mark.parametrize(
    ("gain", "chosen"),
    [
        (Estimate(0.02, 0.001, 0.04), {"num_leaves": 9}),
        (Estimate(0.02, -0.001, 0.04), {}),
        (Estimate(0.02, float("nan"), float("nan")), {}),
        (None, {}),
    ],
)
def test_the_default_is_kept_unless_beaten_beyond_noise(
    gain: Estimate | None, chosen: dict[str, int]
) -> None:
    choice = Choice(trials=5, tests=9, best={"num_leaves": 9}, default_auc=0.7, gain=gain)
    assert choice.chosen == chosen
    assert ("tuned parameters are used" in choice.to_text()) is bool(chosen)


def test_chosen_parameters_train_the_model() -> None:
    choice = Choice(5, 9, {"num_leaves": 9, "min_data_in_leaf": 33}, 0.7, Estimate(0.1, 0.05, 0.2))
    params = booster_parameters(TRAINING, rows=1000, choice=choice)
    assert (params["num_leaves"], params["min_data_in_leaf"]) == (9, 33)
    assert params["min_data_per_group"] == 33
    assert params["learning_rate"] == TRAINING.learning_rate


def test_the_report_says_what_the_search_found() -> None:
    trained = train_model(make_table(accounts=120), SETTINGS)
    assert isinstance(trained, Trained)
    assert trained.judged.choice is not None
    assert trained.judged.choice == trained.shipped.choice
    assert trained.judged.choice.to_text() in trained.report.notices


def test_without_trials_there_is_no_search_and_no_word_of_it() -> None:
    choice = tune(training_part(), ModelSettings(training=TRAINING))
    assert (choice.trials, choice.chosen, choice.asked) == (0, {}, False)


def test_progress_tells_the_trial() -> None:
    told: list[tuple[str, float]] = []
    tune(training_part(), SETTINGS, progress=lambda step, share: told.append((step, share)))
    assert told[0] == ("parameters, trial 1 of 3", 0.0)
