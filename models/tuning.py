"""A search for LightGBM's parameters by Optuna, on folds in order of time within training rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from models.bootstrap import draw_groups
from models.choice import Choice, Tuned
from models.encoding import Encoding, fit_encoding
from models.monotone import constrain
from models.ranking import Ranked, rank_auc
from models.settings import ModelSettings, TrainingSettings
from models.split import MATURE_SHARE, judged_dates, known_by
from models.table import BoolArray, FloatArray, ModelTable
from models.training import Parameters, Progress, assign_folds, booster_parameters

if TYPE_CHECKING:
    import lightgbm as lgb
    import optuna

CUTOFFS = 3
GROUP_FOLDS = 3
# A search narrower than this many random trials would be led by chance.
_STARTUP = 10


class InnerRows(NamedTuple):
    """The rows of one inner fold, each bool, (n,).

    Parameters
    ----------
    train, stop : bool, (n,)
        Rows whose label was known by the cut-off: of the other groups, and of the groups left
        out, whose past tells when to stop.
    test : bool, (n,)
        Of the groups left out, from the cut-off to the next one.
    """

    train: BoolArray
    stop: BoolArray
    test: BoolArray


@dataclass(frozen=True, eq=False)
class InnerFold:
    """The same in LightGBM's bins; ``test`` holds places of rows, int, (n_test,)."""

    train: lgb.Dataset
    stop: lgb.Dataset
    test: npt.NDArray[np.intp]


def tune(table: ModelTable, settings: ModelSettings, *, progress: Progress | None = None) -> Choice:
    """The parameters to train with: the default, unless others are better beyond noise.

    Every trial is tested on what follows each of a few cut-offs, by a model that saw only labels
    known by the cut-off, and none of the tested parents. The default is the first trial. The best
    is compared with it on the pooled tested rows, by a bootstrap over parents; that interval does
    not know that the best was chosen among many, so that it flatters a little.

    Parameters
    ----------
    table : ModelTable
        Training rows, all mature.
    settings : ModelSettings
        ``tuning.trials`` is the budget: one in seconds would give another model at every run.
    progress : callable, optional
        Told the trial and the share done.
    """
    trials = settings.tuning.trials
    if trials == 0:
        return Choice(trials=0)
    encoding, _ = fit_encoding(table.features)
    base = booster_parameters(settings.training, rows=len(table))
    base = constrain(base, encoding, table.traits)
    folds = _plan(table, encoding, base, settings.training)
    if not folds:
        return Choice(trials=0, reason="the training rows span too little time for inner folds")
    search = _Search(table, encoding.encode(table.features).to_numpy(), base, folds, settings)
    return search.run(progress)


@dataclass(frozen=True, eq=False)
class _Search:
    table: ModelTable
    matrix: FloatArray
    base: Parameters
    folds: list[InnerFold]
    settings: ModelSettings

    def run(self, progress: Progress | None) -> Choice:
        """All trials, then the best against the default."""
        import optuna

        trials = self.settings.tuning.trials
        scores: dict[int, FloatArray] = {}

        def score(trial: optuna.Trial) -> float:
            if progress is not None:
                progress(f"parameters, trial {trial.number + 1} of {trials}", trial.number / trials)
            scores[trial.number] = self.score(suggest(trial, self.base))
            return self.rank(scores[trial.number], quick=True).value

        with _quiet():
            startup = min(_STARTUP, max(1, trials // 2))
            seed = self.settings.training.seed
            sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=startup)
            study = optuna.create_study(direction="maximize", sampler=sampler)
            study.enqueue_trial(default_trial(self.base))
            study.optimize(score, n_trials=trials)
            best = study.best_trial
        default = self.rank(scores[0])
        gain = None if best.number == 0 else self.rank(scores[best.number]).minus(default)
        return Choice(
            trials=trials,
            tests=len(self.folds),
            best={} if best.number == 0 else dict(best.params),
            default_auc=default.value,
            gain=gain,
        )

    def score(self, tuned: Tuned) -> FloatArray:
        """Raw output of the tested rows, fold after fold."""
        import lightgbm as lgb

        training = self.settings.training
        params: Parameters = {**self.base, **tuned}
        params["min_data_per_group"] = params["min_data_in_leaf"]
        found = []
        for fold in self.folds:
            booster = lgb.train(
                params,
                fold.train,
                num_boost_round=training.max_trees,
                valid_sets=[fold.stop],
                callbacks=[lgb.early_stopping(training.patience, verbose=False)],
            )
            raw = booster.predict(
                self.matrix[fold.test], raw_score=True, num_threads=training.threads
            )
            found.append(np.asarray(raw, dtype=np.float64))
        return np.concatenate(found)

    def rank(self, score: FloatArray, *, quick: bool = False) -> Ranked:
        """The AUC of the tested rows, pairs within the same date and fold."""
        places = np.concatenate([fold.test for fold in self.folds])
        sizes = [len(fold.test) for fold in self.folds]
        number = np.repeat(np.arange(len(self.folds)), sizes)
        as_of = np.unique(self.table.rows["as_of"].to_numpy()[places], return_inverse=True)[1]
        training = self.settings.training
        draws = draw_groups(
            self.table.group[places],
            replicates=1 if quick else training.replicates,
            seed=training.seed,
        )
        stratum = as_of * len(self.folds) + number
        return rank_auc(self.table.label[places], score, stratum, draws)


def default_trial(base: Parameters) -> dict[str, int | float]:
    """The searched parameters as they are without a search."""
    return {
        "num_leaves": int(base["num_leaves"]),
        "learning_rate": float(base["learning_rate"]),
        "min_data_in_leaf": int(base["min_data_in_leaf"]),
        "feature_fraction": float(base["feature_fraction"]),
        "lambda_l2": 0.0,
    }


def suggest(trial: optuna.trial.BaseTrial, base: Parameters) -> Tuned:
    """Few parameters, each in a range around the default that holds it."""
    default = default_trial(base)
    leaf, leaves = int(default["min_data_in_leaf"]), int(default["num_leaves"])
    rate = float(default["learning_rate"])
    return {
        "num_leaves": trial.suggest_int("num_leaves", 2, max(31, leaves), log=True),
        "learning_rate": trial.suggest_float(
            "learning_rate", min(0.02, rate), max(0.2, rate), log=True
        ),
        "min_data_in_leaf": trial.suggest_int(
            "min_data_in_leaf", max(5, leaf // 4), 4 * leaf, log=True
        ),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.0, 20.0),
    }


def inner_rows(table: ModelTable, *, seed: int) -> Iterator[InnerRows]:
    """Each cut-off with each set of groups left out, but those with one class on a side.

    Parameters
    ----------
    table : ModelTable
        Training rows, all mature.
    seed : int
        Of the sets of groups.
    """
    label = table.label
    left_out = assign_folds(table.group, label, folds=GROUP_FOLDS, seed=seed)
    for known, tested in _cutoffs(table):
        for number in range(GROUP_FOLDS):
            out = left_out == number
            rows = InnerRows(known & ~out, known & out, tested & out)
            if all(label[part].any() and not label[part].all() for part in rows):
                yield rows


def _plan(
    table: ModelTable, encoding: Encoding, params: Parameters, settings: TrainingSettings
) -> list[InnerFold]:
    """The inner folds, their rows in bins once for all trials."""
    import lightgbm as lgb

    matrix, label = encoding.encode(table.features), table.label
    folds = []
    for rows in inner_rows(table, seed=settings.seed):
        train = lgb.Dataset(
            matrix[rows.train],
            label[rows.train],
            categorical_feature=list(encoding.categories),
            params=params,
            free_raw_data=False,
        ).construct()
        stop = train.create_valid(matrix[rows.stop], label[rows.stop], params=params).construct()
        folds.append(InnerFold(train, stop, np.flatnonzero(rows.test)))
    return folds


def _cutoffs(table: ModelTable) -> Iterator[tuple[BoolArray, BoolArray]]:
    """What was known by each cut-off, and what is tested from it to the next one.

    Of a young date only the rows about to end have a label among the training rows: a date is
    tested on when nearly all of its rows can have one. The later half of such dates is.
    """
    as_of, known_at = table.rows["as_of"], table.rows["label_known_at"]
    youngest = known_at.max() - (known_at - as_of).quantile(MATURE_SHARE)
    dates = [date for date in judged_dates(table) if date <= youngest]
    ready = [date for date in dates[len(dates) // 2 :] if known_by(table, date).any()]
    for block in np.array_split(np.arange(len(ready)), min(CUTOFFS, len(ready)) or 1):
        if len(block):
            tested = as_of.isin([ready[place] for place in block]).to_numpy(dtype=np.bool_)
            yield known_by(table, ready[block[0]]), tested & table.mature & table.headline


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna without its line for every trial."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
