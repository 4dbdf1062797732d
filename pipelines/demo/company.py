"""Writing the demo company: contract tables as Parquet, and the truth in a folder beside them.

``truth/risk.parquet`` holds the true risk of each account and contract, ``truth/cause.parquet``
when each cause began and ended, ``truth/loss.parquet`` who left when and why. None of it may be
read by a model.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import InputError, Problem
from features.progress import silent
from pipelines.demo import contact, record, truth
from pipelines.demo.account import account_table
from pipelines.demo.activity import draw_activity
from pipelines.demo.contract import contract_table
from pipelines.demo.measure import draw_measures
from pipelines.demo.period import ORIGIN
from pipelines.demo.usage import write_usage
from pipelines.demo.user import draw_people, user_table
from pipelines.demo.world import draw_world

GENERATOR = 2  # raise it with every change that moves a value
_DATE_NAMES = ("ts", "date", "as_of", "onset", "ended")
_DATE_ENDINGS = ("_at", "_date", "_on")
_WHOLE = ("seats", "billing_period_months", "term_months", "notice_days", "employees")


def generate_company(
    folder: Path,
    *,
    seed: int = 7,
    accounts: int = 2000,
    events: int = 5_000_000,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Write the demo company into `folder`, or leave it when it already holds the same one.

    The folder appears whole or not at all; one that held another company is replaced.

    Parameters
    ----------
    folder : Path
        Gets one Parquet file per contract table, ``truth/`` and ``company.json``.
    seed : int
        The same seed and sizes give the same tables.
    accounts : int
        Number of accounts that ever were customers; about two thirds still are at the end.
    events : int
        Number of usage events, hit to within about one in a hundred.
    progress : callable, optional
        Called with one line before each step.

    Raises
    ------
    InputError
        When a size is too small, or `folder` holds something that is no demo company.
    """
    identity = {"generator": GENERATOR, "seed": seed, "accounts": accounts, "events": events}
    if _is_there(folder, identity):
        return
    _check(folder, accounts, events)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        made = Path(temporary) / folder.name
        (made / "truth").mkdir(parents=True)
        _write_company(made, seed, accounts, events, progress or silent)
        (made / "company.json").write_text(_note(identity), encoding="utf-8")
        if folder.exists():
            shutil.move(folder, Path(temporary) / "before")
        made.rename(folder)


def _is_there(folder: Path, identity: dict[str, int]) -> bool:
    note = folder / "company.json"
    return note.is_file() and note.read_text(encoding="utf-8") == _note(identity)


def _note(identity: dict[str, int]) -> str:
    return json.dumps(identity) + "\n"


def _check(folder: Path, accounts: int, events: int) -> None:
    problems = []
    if accounts < 20:
        problems.append(
            Problem("demo", "accounts", "must be at least 20", examples=(str(accounts),))
        )
    if events < 1:
        problems.append(Problem("demo", "events", "must be at least 1", examples=(str(events),)))
    if folder.exists() and not _may_replace(folder):
        problems.append(
            Problem(
                str(folder),
                "",
                "must be a new or empty folder, or one that holds a demo company",
                remedy="name another folder",
            )
        )
    if problems:
        raise InputError(problems)


def _may_replace(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    return (folder / "company.json").is_file() or not any(folder.iterdir())


def _write_company(
    folder: Path, seed: int, count: int, events: int, progress: Callable[[str], None]
) -> None:
    """Draw and write every table; each has a source of chance of its own."""

    def rng(stream: int) -> np.random.Generator:
        return np.random.default_rng([seed, stream])

    progress(f"demo company: {count:,} accounts, their contracts and people")
    world = draw_world(seed, count)
    people = draw_people(seed, world)
    ids = world.accounts["account_id"]
    tables = {
        "accounts": account_table(rng(2), world.accounts),
        "contracts": contract_table(world.terms),
        "users": user_table(people, ids),
        "tickets": contact.draw_tickets(rng(6), world),
        "surveys": contact.draw_surveys(rng(7), world, people),
        "touchpoints": contact.draw_touchpoints(rng(8), world),
        "invoices": record.draw_invoices(rng(9), world.terms),
        "milestones": record.draw_milestones(rng(10), world),
        "interventions": record.draw_interventions(rng(11), world),
        "rates": record.draw_rates(rng(12)),
    }
    progress(f"demo company: {events:,} usage events")
    activity = draw_activity(rng(3), world)
    write_usage(folder / "usage.parquet", rng(4), world, activity, people, events=events)
    tables["measures"] = draw_measures(rng(5), world, activity)

    progress("demo company: the true risk at every date")
    tables["truth/risk"] = truth.risk_table(world)
    tables["truth/cause"] = truth.cause_table(world)
    tables["truth/loss"] = truth.loss_table(world)
    for name, table in tables.items():
        _write(folder / f"{name}.parquet", table)


def _write(path: Path, table: pd.DataFrame) -> None:
    """Write a table with its day numbers as dates and its whole numbers as integers."""
    columns: dict[str, pa.Array] = {}
    for name in table.columns:
        if name in _DATE_NAMES or name.endswith(_DATE_ENDINGS):
            shift = np.datetime64(ORIGIN).astype(int)
            days = pd.array(table[name].to_numpy(dtype=float, na_value=np.nan) + shift, "Int32")
            columns[name] = pa.array(days, pa.int32()).cast(pa.date32())
        elif name in _WHOLE:
            columns[name] = pa.array(table[name].astype("Int32"), pa.int32())
        elif table[name].dtype.kind in "bif":
            columns[name] = pa.array(table[name].to_numpy(), from_pandas=True)
        else:
            columns[name] = pa.array(table[name], pa.string(), from_pandas=True)
    pq.write_table(pa.table(columns), path, compression="zstd")
