"""One account explained: from its raw rows to the probability and its sum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from difflib import get_close_matches

from features.dataset import ModelName
from features.digest import Digest, read_digests
from features.errors import InputError, Problem
from features.progress import Progress, silent
from features.source import Source
from models.abstention import RULES
from models.account_score import STATES_AT_RISK, Abstention, AccountScore
from models.bundle import Bundle
from models.judged_copy import copy_for, earliest_date
from models.store import SnapshotStore
from pipelines.breakdown import EXACT, Breakdown, Target, take_apart
from pipelines.config import Config
from pipelines.home import Home
from pipelines.last_verdict import read_refusals
from pipelines.population import Prediction, build_population, predict
from pipelines.scoring import (
    build_snapshot,
    knowledge_problems,
    read_champions,
    scoring_models,
)

LATEST_ROWS = 5
_CLOSEST = 3
_LEFT = {"drivers", "contributions", "base_log_odds", "rank", "tier_runs_below"}


@dataclass(frozen=True)
class Published:
    """What the served ranking says of the same account, day and model.

    Parameters
    ----------
    snapshot_id : str
    version : str
        Of the model that it was made with.
    probability : float
        Share 0-1.
    """

    snapshot_id: str
    version: str
    probability: float


@dataclass(frozen=True)
class AccountExplanation:
    """What is known of an account, and why its probability is what it is.

    Parameters
    ----------
    company, account_id : str
    as_of : date
    score : AccountScore or None
        As a score run would publish it today; None when it is no customer on the date.
    digests : tuple of Digest
        Its rows in every table.
    breakdown : Breakdown or None
        None where there is no probability.
    reason : str
        Why there is none; empty where there is one.
    published : Published or None
        None where the served ranking says nothing about the same.
    """

    company: str
    account_id: str
    as_of: date
    score: AccountScore | None
    digests: tuple[Digest, ...]
    breakdown: Breakdown | None
    reason: str
    published: Published | None

    @property
    def is_published(self) -> bool | None:
        """Whether the published probability is this one to 1e-9; None where there is none."""
        if self.published is None or self.breakdown is None:
            return None
        return abs(self.published.probability - self.breakdown.probability) <= EXACT

    def to_json(self) -> dict[str, object]:
        """What ``keepwell explain --json`` prints."""
        facts = asdict(self.score) if self.score else {}
        published = (
            asdict(self.published) | {"equal": self.is_published} if self.published else None
        )
        return {
            "company": self.company,
            "account_id": self.account_id,
            "as_of": self.as_of,
            "account": {name: fact for name, fact in facts.items() if name not in _LEFT} or None,
            "rows": {digest.table: digest.to_json() for digest in self.digests},
            "reason": self.reason or None,
            "published": published,
            **(self.breakdown.to_json() if self.breakdown else {"probability": None}),
        }


def explain_account(
    config: Config,
    source: Source,
    home: Home,
    account_id: str,
    *,
    contract_id: str | None = None,
    progress: Progress = silent,
) -> AccountExplanation:
    """Explain an account as of the source's end, with the promoted models.

    Of a model that knows more than the date allows, the copy that was judged explains, which
    learnt from less.

    Parameters
    ----------
    config : Config
    source : Source
        Opened as of the date.
    home : Home
    account_id : str
    contract_id : str, optional
        One of its contracts up for renewal, instead of the one that decides first.
    progress : callable

    Raises
    ------
    InputError
        When there is no such account or contract, or the judged copy of a
        model knows more than the date allows, too.
    """
    _check_account(source, account_id)
    bundles = _choose_copies(source.data_end, read_champions(home, config))
    population = build_population(source, source.data_end, progress=progress)
    progress("taking the probability apart")
    scores = build_snapshot(config, population, bundles, previous={}).scores
    score = next((score for score in scores if score.account_id == account_id), None)
    predictions = predict(population, scoring_models(bundles), rules=config.abstention)
    breakdown, published = None, None
    target = _find_target(predictions, score, account_id, contract_id)
    withheld = _withheld(target, score)
    if target is not None and withheld is None:
        bundle = bundles[target.prediction.dataset.model]
        breakdown = take_apart(source, population, target, bundle, currency=config.currency)
        published = _published(config, home, source.data_end, target)
    return AccountExplanation(
        company=config.company,
        account_id=account_id,
        as_of=source.data_end,
        score=score,
        digests=tuple(read_digests(source, account_id, latest=LATEST_ROWS)),
        breakdown=breakdown,
        reason="" if breakdown else _why_none(score, bundles, withheld, config, home),
        published=published,
    )


def default_as_of(config: Config, home: Home) -> date | None:
    """The served ranking's date, unless a model was trained on more since; None: the data's end."""
    with SnapshotStore(home.store_url) as store:
        header = store.current()
    if header is None or header.company != config.company or header.as_of is None:
        return None
    return None if knowledge_problems(header.as_of, read_champions(home, config)) else header.as_of


def _choose_copies(as_of: date, bundles: Mapping[ModelName, Bundle]) -> dict[ModelName, Bundle]:
    """Of each model the copy that learnt nothing from the date or later.

    One model without such a copy refuses the date: were it left out, the other would step in.
    """
    found = {name: copy_for(bundle, as_of) for name, bundle in bundles.items()}
    chosen = {name: bundle for name, bundle in found.items() if bundle is not None}
    if len(chosen) == len(bundles):
        return chosen
    dates = {name: day for name, bundle in bundles.items() if (day := earliest_date(bundle))}
    remedy = f"give {max(dates.values())} or later, the earliest date that can be explained"
    raise InputError(
        [
            replace(
                problem,
                rule=f"{problem.rule}{_judged_words(dates[name], bundle)}",
                remedy=f"{remedy}; or {problem.remedy}",
            )
            for name, bundle in bundles.items()
            if name not in chosen
            for problem in knowledge_problems(as_of, {name: bundle})
        ]
    )


def _judged_words(earliest: date, bundle: Bundle) -> str:
    if earliest == bundle.card.data_end:
        return ", and holds no judged copy that knew less"
    return f", and its judged copy on what was known by {earliest}"


def _check_account(source: Source, account_id: str) -> None:
    """Refuse an account that is not in the tables, and name those that are written alike."""
    rows = source.connection.execute("SELECT DISTINCT account_id FROM accounts").fetchall()
    known = sorted(str(row[0]) for row in rows)
    if account_id in known:
        return
    alike = _closest(account_id, known)
    rule = f"{account_id} is no account that was known before {source.data_end}"
    remedy = f"did you mean {' or '.join(alike)}?" if alike else "look into the accounts table"
    raise InputError([Problem("accounts", "account_id", rule, remedy=remedy)])


def _closest(account_id: str, known: list[str]) -> list[str]:
    """The ids most like this one, whatever the case of their letters."""
    by_lower = {name.lower(): name for name in known}
    return [by_lower[name] for name in get_close_matches(account_id.lower(), by_lower, _CLOSEST)]


def _find_target(
    predictions: Mapping[ModelName, Prediction],
    score: AccountScore | None,
    account_id: str,
    contract_id: str | None,
) -> Target | None:
    """The row that is to be explained; None where there is no probability."""
    if contract_id is not None:
        return _contract_target(predictions.get("renewal"), account_id, contract_id)
    if score is None or score.basis is None:
        return None
    key = score.contract_id if score.basis == "renewal" else account_id
    prediction = predictions[score.basis]
    return Target(prediction, prediction.place[str(key)])


def _contract_target(prediction: Prediction | None, account_id: str, contract_id: str) -> Target:
    rule, remedy = "asks for the renewal model, and none is promoted", "leave it out"
    if prediction is not None:
        rows = prediction.dataset.rows
        mine = sorted(map(str, rows["contract_id"][rows["account_id"] == account_id]))
        if contract_id in mine:
            return Target(prediction, prediction.place[contract_id])
        rule = f"{contract_id} is no contract of {account_id} that is up for renewal"
        remedy = f"give {' or '.join(mine)}" if mine else "leave it out: there is none"
    raise InputError([Problem("--contract", "", rule, remedy=remedy)])


def _published(config: Config, home: Home, as_of: date, target: Target) -> Published | None:
    """What the served ranking says, when it is of this day, model and contract."""
    dataset = target.prediction.dataset
    key = dataset.rows.iloc[target.row]
    with SnapshotStore(home.store_url) as store:
        header, score = store.current_account(key["account_id"]) or (None, None)
    if header is None or score is None or score.loss_probability is None:
        return None
    use = header.models.get(dataset.model)
    told = (header.company, header.as_of, score.basis)
    if use is None or told != (config.company, as_of, dataset.model):
        return None
    if dataset.model == "renewal" and score.contract_id != key["contract_id"]:
        return None
    return Published(header.snapshot_id, str(use["version"]), score.loss_probability)


def _withheld(target: Target | None, score: AccountScore | None) -> Abstention | None:
    """The rule that withholds the probability, of the row or else of the account."""
    if target is not None:
        found: Abstention | None = target.prediction.reasons[target.row]
        return found
    return score.abstained if score else None


def _why_none(
    score: AccountScore | None,
    bundles: Mapping[ModelName, Bundle],
    withheld: Abstention | None,
    config: Config,
    home: Home,
) -> str:
    """Why there is no probability."""
    if score is None:
        return "it is no customer on this date, so there is nothing to predict"
    if withheld is not None:
        rule = next(rule for rule in RULES if rule.name == withheld)
        return f"withheld: {rule.describe(config.abstention)}"
    if not bundles:
        refusals = read_refusals(home, config.company)
        if not refusals:
            return "no model is promoted yet: keepwell train"
        said = "; ".join(f"{name}: {why}" for name, why in refusals.items())
        return f"no model is promoted; {said}"
    if score.state not in STATES_AT_RISK:
        return f"its state is {score.state.replace('_', ' ')}: there is nothing left to predict"
    return f"no promoted model ({', '.join(sorted(bundles))}) speaks of an account like this"
