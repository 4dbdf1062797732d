"""The demo's usage events, one row each, drawn and written a few hundred accounts at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo.activity import Activity
from pipelines.demo.cause import ONBOARDING, SEATS, SHALLOW, StateArray, is_active
from pipelines.demo.period import DATA_START, ORIGIN, WINDOW
from pipelines.demo.user import People, user_ids
from pipelines.demo.world import Levels, World

# event: (module, relative frequency, whether it is a value action); configs/demo.yaml says the same
EVENTS: dict[str, tuple[str, float, bool]] = {
    "login": ("access", 5.0, False),
    "view_dashboard": ("dashboards", 4.0, False),
    "filter_dashboard": ("dashboards", 2.0, False),
    "edit_dashboard": ("dashboards", 1.0, True),
    "view_report": ("reporting", 4.0, False),
    "save_report": ("reporting", 2.0, True),
    "share_report": ("reporting", 1.5, True),
    "view_sync": ("data", 1.0, False),
    "import_data": ("data", 1.5, True),
    "connect_source": ("data", 0.2, True),
    "view_rule": ("automation", 1.0, False),
    "create_rule": ("automation", 0.7, True),
    "run_rule": ("automation", 2.0, True),
    "read_comment": ("collaboration", 1.5, False),
    "write_comment": ("collaboration", 1.0, True),
    "view_help": ("help", 0.4, False),
}
MODULES = ("dashboards", "reporting", "data", "automation", "collaboration")
ALWAYS = ("access", "help")  # modules that everybody uses
SHALLOW_MODULES = ("dashboards", "reporting")
SHALLOW_VALUE_SHARE = 0.06
KEY_USER_SHARE = 0.22
UNUSED_SEATS_POOL = 0.35
PROFILES = 24
CHUNK = 200  # accounts
PILOT = 400_000  # events of the small draw
_GRID = 1024


@dataclass(frozen=True)
class _Habits:
    """How accounts use the product: (n_accounts,) each, and event codes by profile."""

    scale: Levels
    value_share: Levels
    profile: npt.NDArray[np.int64]
    codes: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class _Scene:
    """All that events are drawn from; pools says how many other people log in on each day."""

    world: World
    activity: Activity
    people: People
    habits: _Habits
    pools: npt.NDArray[np.int16]


def write_usage(
    path: Path,
    rng: np.random.Generator,
    world: World,
    activity: Activity,
    people: People,
    *,
    events: int,
) -> int:
    """Draw about `events` usage events, write them as Parquet, and return how many there are.

    Rows are ordered by account and day, not by time within a day.
    """
    pools = _pools(people, world.window)
    scene = _Scene(world, activity, people, _habits(rng, world), pools)
    _scale_to(events, rng, scene)
    written = 0
    writer: pq.ParquetWriter | None = None
    for rows in _chunks(len(world.accounts)):
        table = _draw(rng, rows, scene)
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
        written += table.num_rows
    if writer is not None:
        writer.close()
    return written


def _chunks(count: int) -> Iterator[slice]:
    for first in range(0, count, CHUNK):
        yield slice(first, min(first + CHUNK, count))


def _habits(rng: np.random.Generator, world: World) -> _Habits:
    count = len(world.accounts)
    scale = world.accounts["seats"].to_numpy() ** 0.8 * rng.lognormal(0, 0.45, count)
    codes = np.stack([_profile(rng) for _ in range(PROFILES)] + [_codes(SHALLOW_MODULES)])
    share = rng.beta(8, 14, count).astype(np.float32)
    return _Habits(scale.astype(np.float32), share, rng.integers(PROFILES, size=count), codes)


def _scale_to(events: int, rng: np.random.Generator, scene: _Scene) -> None:
    """Scale the habits so that about `events` events come out.

    Drawn events that nobody is there to do fall away; a small draw tells how many they are.
    """
    scale = scene.habits.scale
    scale *= PILOT / float((scale[:, None] * scene.activity.level).sum())
    everyone = slice(0, len(scale))
    done = _people(rng, _cells(rng, everyone, scene), everyone, scene) >= 0
    scale *= 1.004 * events / max(1, int(done.sum()))  # rather a few more than fewer


def _cells(rng: np.random.Generator, rows: slice, scene: _Scene) -> npt.NDArray[np.int32]:
    """Account (from the first of `rows`) and day, as one number, of each event that may happen."""
    counts = rng.poisson(scene.activity.level[rows] * scene.habits.scale[rows, None])
    return np.repeat(np.arange(counts.size, dtype=np.int32), counts.ravel())


def _profile(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Event codes of an account that uses three to five modules."""
    used = rng.choice(MODULES, size=int(rng.integers(3, 6)), replace=False)
    return _codes(tuple(used.tolist()))


def _codes(modules: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Event code for every point of a grid of chances, (2, _GRID): viewing, and value actions."""
    rows = []
    for wanted in (False, True):
        weights = np.array(
            [w * (v == wanted and m in (*modules, *ALWAYS)) for m, w, v in EVENTS.values()]
        )
        bounds = np.cumsum(weights) / weights.sum()
        rows.append(np.searchsorted(bounds, (np.arange(_GRID) + 0.5) / _GRID).astype(np.uint8))
    return np.stack(rows)


def _pools(people: People, window: StateArray) -> npt.NDArray[np.int16]:
    """How many other people of each account log in, (n_accounts, WINDOW)."""
    count = len(window)
    account = np.searchsorted(people.first, np.arange(len(people.other)), side="right") - 1
    day = np.clip(people.activated - DATA_START, 0, WINDOW)
    added = np.zeros((count, WINDOW + 1), dtype=np.int16)
    np.add.at(added, (account[people.other], day[people.other]), 1)
    pools = added[:, :WINDOW].cumsum(axis=1, dtype=np.int16)
    unused = is_active(window, SEATS)
    pools[unused] = np.ceil(pools[unused] * UNUSED_SEATS_POOL).astype(np.int16)
    return pools


def _draw(rng: np.random.Generator, rows: slice, scene: _Scene) -> pa.Table:
    """Events of some accounts."""
    cell = _cells(rng, rows, scene)
    person = _people(rng, cell, rows, scene)
    cell, person = cell[person >= 0], person[person >= 0]
    account, day = np.divmod(cell, np.int32(WINDOW))
    code = _events(rng, cell, rows, scene)
    seconds = np.clip(rng.normal(50_000, 11_000, len(cell)).astype(np.int64), 0, 86_399)
    start = np.datetime64(ORIGIN, "s") + DATA_START * 86_400
    stamps = start + day.astype(np.int64) * 86_400 + seconds
    duration = (rng.standard_exponential(len(cell), dtype=np.float32) * 90 + 1).astype(np.int32)
    low = int(scene.people.first[rows.start])
    high = int(person.max(initial=low)) + 1
    names = scene.world.account_ids(np.arange(rows.start, rows.stop)).tolist()
    return pa.table(
        {
            "account_id": _dictionary(account, names),
            "ts": pa.array(stamps.astype("datetime64[us]")),
            "event": _dictionary(code, list(EVENTS)),
            "user_id": _dictionary(person - low, user_ids(np.arange(low, high))),
            "duration_s": pa.array(duration),
        }
    )


def _people(
    rng: np.random.Generator, cell: npt.NDArray[np.int32], rows: slice, scene: _Scene
) -> npt.NDArray[np.int32]:
    """Who did each event; -1 where nobody was there to do it."""
    people = scene.people
    account, day = np.divmod(cell, np.int32(WINDOW))
    key = np.where(scene.activity.quiet[rows], -1, people.key_user[rows]).ravel()[cell]
    pool = scene.pools[rows].ravel()[cell]
    place = (pool * rng.random(len(cell), dtype=np.float32) ** 1.4).astype(np.int32)
    other = np.minimum(people.first[account + rows.start] + place, len(people.other) - 1)
    gone = (people.silent_from[other] <= day + DATA_START) | (pool == 0)
    by_key = rng.random(len(cell), dtype=np.float32) < KEY_USER_SHARE
    return np.where(by_key, key, np.where(gone, -1, other)).astype(np.int32)


def _events(
    rng: np.random.Generator, cell: npt.NDArray[np.int32], rows: slice, scene: _Scene
) -> npt.NDArray[np.uint8]:
    """Event code of each event: accounts with shallow use view and hardly ever create."""
    habits, states = scene.habits, scene.world.window[rows].ravel()
    shallow, slow = is_active(states, SHALLOW), is_active(states, ONBOARDING)
    share = np.repeat(habits.value_share[rows], WINDOW)
    share = np.where(shallow, SHALLOW_VALUE_SHARE, np.where(slow, share * 0.35, share))
    profile = np.where(shallow, PROFILES, np.repeat(habits.profile[rows], WINDOW))
    value = rng.random(len(cell), dtype=np.float32) < share[cell]
    grid = rng.integers(_GRID, size=len(cell), dtype=np.int32)
    codes: npt.NDArray[np.uint8] = habits.codes[profile[cell], value.astype(np.int8), grid]
    return codes


def _dictionary(codes: npt.NDArray[np.integer], values: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(values))
