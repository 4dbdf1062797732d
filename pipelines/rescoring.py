"""What today's models say of the figures of the snapshot before, where others spoke in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from features.aside import open_aside
from features.dataset import Dataset, ModelName, build_datasets
from features.progress import Progress, silent
from features.source import Source
from models.account_score import BASES, AccountScore, Basis
from models.driver import explain, sum_groups
from models.score_change import same_version
from models.snapshot import Snapshot, SnapshotHeader
from models.snapshot_reader import SnapshotReader
from models.store import SnapshotStore
from pipelines.home import Home
from pipelines.population import Model, check_features

Told = tuple[float, dict[str, float]]  # a probability, and its log-odds by group


def find_last(store: SnapshotStore, company: str) -> SnapshotHeader | None:
    """The company's newest snapshot in the order of readers; None without any."""
    found = SnapshotReader(store).headers(company, limit=1) if store.is_made else []
    return found[0] if found else None


def rescore_previous(
    source: Source,
    home: Home,
    snapshot: Snapshot,
    models: Mapping[ModelName, Model],
    *,
    rows: Mapping[ModelName, Dataset] | None = None,
    progress: Progress = silent,
) -> Snapshot:
    """The snapshot with what its models say of the accounts' figures of the snapshot before.

    Parameters
    ----------
    source : Source
        Its connection stays as it is.
    home : Home
    snapshot : Snapshot
        About to be published.
    models : mapping of model name to Model
        Behind it.
    rows : mapping of model name to Dataset, optional
        As-of rows, when they were built before; where the date is not in them they are built.
    progress : callable

    Returns
    -------
    Snapshot
        The same one where no account of it was told by another version before.
    """
    with SnapshotStore(home.store_url) as store:
        before = find_last(store, snapshot.company)
        wanted = {} if before is None else _wanted(store, before, snapshot)
    if before is None or before.as_of is None or not wanted:
        return snapshot
    there = {} if rows is None else {n: d for n, d in rows.items() if _has(d, before)}
    if wanted.keys() - there.keys():
        progress(f"rows of {before.as_of}, for the models' own part in what changed")
        with open_aside(source) as aside:
            there = build_datasets(aside, dates=[before.as_of])
    return rescore(snapshot, before, wanted, models, there)


def rescore_against(
    store: SnapshotStore,
    before: SnapshotHeader,
    snapshot: Snapshot,
    models: Mapping[ModelName, Model],
    rows: Mapping[ModelName, Dataset],
) -> Snapshot:
    """As `rescore_previous` against a given snapshot, as far as the rows hold its date."""
    if before.as_of is None:
        return snapshot
    there = {name: dataset for name, dataset in rows.items() if _has(dataset, before)}
    return rescore(snapshot, before, _wanted(store, before, snapshot), models, there)


Wanted = Mapping[ModelName, Mapping[str, str]]  # the row's key in the rows before, by account id


def rescore(
    snapshot: Snapshot,
    before: SnapshotHeader,
    wanted: Wanted,
    models: Mapping[ModelName, Model],
    rows: Mapping[ModelName, Dataset],
) -> Snapshot:
    """The snapshot with what its models say of given rows of the snapshot before."""
    told: dict[Basis, dict[str, Told]] = {
        name: _tell(name, models[name], rows[name], before, keys)
        for name, keys in wanted.items()
        if name in models and name in rows
    }

    def complete(score: AccountScore) -> AccountScore:
        found = told.get(score.basis, {}).get(score.account_id) if score.basis else None
        if found is None:
            return score
        return replace(score, rescored_probability=found[0], rescored_contributions=found[1])

    scores = tuple(map(complete, snapshot.scores))
    asked = before.snapshot_id if any(told.values()) else None
    return replace(snapshot, scores=scores, rescored_id=asked)


def _wanted(store: SnapshotStore, before: SnapshotHeader, snapshot: Snapshot) -> Wanted:
    """The accounts that another version told of on the same basis."""
    past = SnapshotReader(store).past(before.snapshot_id)
    other = {basis for basis in BASES if not same_version(basis, before.models, snapshot.models)}
    found: dict[ModelName, dict[str, str]] = {}
    for score in snapshot.scores:
        was = past.get(score.account_id)
        if score.basis is None or was is None or was.loss_probability is None:
            continue
        if was.basis == score.basis and score.basis in other:
            key = was.contract_id if score.basis == "renewal" else score.account_id
            if key is not None:
                found.setdefault(score.basis, {})[score.account_id] = key
    return found


def _has(dataset: Dataset, header: SnapshotHeader) -> bool:
    return bool((dataset.rows["as_of"] == _moment(header)).any())


def _moment(header: SnapshotHeader) -> str:
    assert header.as_of is not None  # asked by the callers
    return header.as_of.isoformat()


def _tell(
    name: ModelName,
    model: Model,
    dataset: Dataset,
    before: SnapshotHeader,
    keys: Mapping[str, str],
) -> dict[str, Told]:
    """What a model says of its rows of the date before, by account id."""
    predictor = model.predictor
    check_features(name, predictor, dataset)
    key = "contract_id" if name == "renewal" else "account_id"
    chosen = (dataset.rows["as_of"] == _moment(before)) & dataset.rows[key].isin(
        list(keys.values())
    )
    found = explain(predictor, dataset.features[chosen])
    groups = dataset.catalogue.groups
    names, sums = sum_groups(
        found.contributions, [groups[column] for column in predictor.encoding.columns]
    )
    told: dict[str, Told] = {
        one: (probability, dict(zip(names, row, strict=True)))
        for one, probability, row in zip(
            dataset.rows[key][chosen], found.probability.tolist(), sums.tolist(), strict=True
        )
    }
    return {account: told[one] for account, one in keys.items() if one in told}
