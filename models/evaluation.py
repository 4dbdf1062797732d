"""Judging a model on rows later than everything it learnt from."""

from __future__ import annotations

from models.gate import Decision, decide
from models.intervention import judge_interventions, say_interventions
from models.judgement import Judgement, judge
from models.leak import NO_LEAKS, Leaks, heed
from models.report import Report, Window, window_of
from models.scored import score_beside_baselines, score_rows
from models.settings import ModelSettings
from models.table import ModelTable
from models.training import FittedModel


def evaluate(
    fitted: FittedModel,
    train: ModelTable,
    test: ModelTable,
    *,
    beside: ModelTable,
    settings: ModelSettings,
    ranks: bool = True,
    leaks: Leaks = NO_LEAKS,
) -> Report:
    """The report of a model on its test rows.

    Parameters
    ----------
    fitted : FittedModel
        Learnt from ``train``, whose labels were known by the first test date.
    train, test : ModelTable
        Mature rows; those of ``test`` are in the headline.
    beside : ModelTable
        Mature rows of the same dates that are not in the headline.
    settings : ModelSettings
        Replicates and seed, capacity and costs.
    ranks : bool
        False when the model to be shipped does not rank the accounts left out of its fit.
    leaks : Leaks
        What was found in the rows that the model to be shipped learnt from.
    """
    scored = score_beside_baselines(fitted, train, test, settings=settings.training)
    interventions = judge_interventions(scored, settings)
    judgement = judge(scored, settings, beside=score_rows(fitted, beside))
    return Report(
        model=test.model,
        judgement=judgement,
        train=Window(*fitted.as_of, fitted.rows, fitted.positives),
        test=window_of(test.rows),
        scored=scored,
        decision=heed(
            decide_on(judgement, ranks=ranks and fitted.predictor.calibration.ranks), leaks
        ),
        notices=(*fitted.notices, *say_interventions(interventions, len(test))),
        leaks=leaks,
        interventions=interventions,
    )


def decide_on(judgement: Judgement, *, ranks: bool) -> Decision:
    """The gate's answer to a judgement; ``ranks``: whether the calibration's slope is above 0."""
    differences = {name: found.difference for name, found in judgement.baselines.items()}
    return decide(
        judgement.skill.auc,
        differences,
        ranks=ranks,
        slope=judgement.skill.calibration_slope,
        positives=judgement.skill.positives,
    )
