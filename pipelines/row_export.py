"""The as-of rows with labels and features as Parquet files, for a notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.dataset import Dataset, ModelName, build_datasets
from features.errors import InputError, Problem
from features.progress import Progress, silent
from features.source import Source

_MODELS: tuple[ModelName, ...] = ("churn", "renewal")
_KEYS = ("account_id", "contract_id", "as_of", "label", "label_known_at", "arr")
_DATES = ("as_of", "label_known_at")


@dataclass(frozen=True)
class ExportedFile:
    """A file that was written."""

    path: Path
    rows: int
    features: int

    def to_json(self) -> dict[str, object]:
        """The file as ``keepwell features --export --json`` prints it."""
        return {"file": str(self.path), "rows": self.rows, "features": self.features}


def export_rows(
    source: Source, folder: Path, *, slices: tuple[str, ...] = (), progress: Progress = silent
) -> dict[ModelName, ExportedFile]:
    """Write the rows of each model to a file of its own, ``churn.parquet`` and ``renewal.parquet``.

    A file appears whole or not at all. One of an earlier export is replaced, or removed where the
    configuration no longer asks for that model.

    Parameters
    ----------
    source : Source
    folder : Path
        Made where it does not exist.
    slices : tuple of str
        Columns of accounts or contracts, written as ``slice_<name>``.
    progress : callable

    Raises
    ------
    InputError
        When the folder cannot be written to, or holds anything else.
    """
    _check_folder(folder)
    datasets = build_datasets(source, slices=slices, progress=progress)
    written: dict[ModelName, ExportedFile] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for model in _MODELS:
            path = folder / f"{model}.parquet"
            if model in datasets:
                progress(f"writing {path.name}")
                written[model] = _write_file(path, datasets[model], slices)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError([_folder_problem(f"cannot be written: {error.strerror}")]) from None
    return written


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier export, before any work."""
    known = {f"{model}.parquet" for model in _MODELS}
    try:
        found = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise InputError([_folder_problem(f"must be a folder: {error.strerror}")]) from None
    foreign = [name for name in found if name.removesuffix(".part") not in known]
    if foreign:
        rule = "must be a new folder, an empty one, or one of an earlier export"
        raise InputError([_folder_problem(rule, tuple(foreign[:3]))])


def _folder_problem(rule: str, examples: tuple[str, ...] = ()) -> Problem:
    return Problem("--export", "", rule, 0, examples, "name a folder of its own")


def _write_file(path: Path, dataset: Dataset, slices: tuple[str, ...]) -> ExportedFile:
    frame = _join_columns(dataset, slices)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name in _DATES:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(pa.date32()))
    said = {"keepwell.model": dataset.model, "keepwell.data_end": str(dataset.data_end)}
    part = path.with_name(f"{path.name}.part")
    try:
        pq.write_table(table.replace_schema_metadata(said), part, compression="zstd")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return ExportedFile(path, len(frame), dataset.features.shape[1])


def _join_columns(dataset: Dataset, slices: tuple[str, ...]) -> pd.DataFrame:
    """Keys and label, slices as they are today, then the features as known on the as-of date."""
    rows = dataset.rows
    chosen = {name: f"slice_{name}" for name in slices if name in rows}
    keys = pd.concat([rows[list(_KEYS)], rows[list(chosen)].rename(columns=chosen)], axis=1)
    features = [name for name in dataset.features if name not in _KEYS]
    return pd.concat([keys, dataset.features[features]], axis=1)
