"""The forecast that comes with a snapshot: quick, since every score run makes it anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from features.errors import InputError
from features.progress import Progress, silent
from features.source import Source
from models.account_score import AccountScore
from pipelines.config import Config
from pipelines.forecast import Effort, forecast_with
from pipelines.forecast_voice import ModelVoice

# `keepwell forecast` draws more, and replays every month, by refits of the model too.
QUICK = Effort(draws=200, replay_draws=40, origins=4, quarter_starts=True)


def forecast_document(
    config: Config,
    source: Source,
    scores: Sequence[AccountScore],
    *,
    progress: Progress = silent,
) -> dict[str, object]:
    """The forecast of four quarters as JSON, or why there is none.

    First decisions go by the renewal probabilities that the snapshot publishes, everything later by
    the rates of past terms. Past quarter starts are replayed by rates alone.

    Parameters
    ----------
    config : Config
    source : Source
        Opened as of the snapshot's date.
    scores : sequence of AccountScore
        Of the snapshot.
    progress : callable

    Returns
    -------
    dict
        ``refused``: the reason where no forecast can be made, else null; ``draws`` and
        ``replay_draws``: from how many courses its figures and its past misses come; and
        ``forecast``: what ``keepwell forecast --json`` prints, else null.
    """
    loss = {
        score.contract_id: score.loss_probability
        for score in scores
        if score.basis == "renewal"
        and score.contract_id is not None
        and score.loss_probability is not None
    }

    def speak(origins: Sequence[date]) -> ModelVoice:  # noqa: ARG001  # replayed by rates alone
        if not loss:
            reason = "rates of past terms only: the snapshot holds no probability of a renewal"
            return ModelVoice({}, False, reason)
        reason = "the snapshot's probabilities for decisions that are due, else rates of past terms"
        return ModelVoice({source.data_end: loss}, True, reason)

    numbers = {"draws": QUICK.draws, "replay_draws": QUICK.replay_draws}
    try:
        report = forecast_with(speak, config, source, effort=QUICK, progress=progress)
    except InputError as refusal:
        reasons = "; ".join(str(problem) for problem in refusal.problems)
        return {"refused": reasons, **numbers, "forecast": None}
    return {"refused": None, **numbers, "forecast": report.to_json()}
