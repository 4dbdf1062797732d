"""Where a flat table lies: as its path says, else in the data folder."""

from __future__ import annotations

import os
from pathlib import Path

from features.errors import InputError, Problem


def find_table(path: Path, data: Path | None = None) -> Path:
    """The file that a path names from the working folder, else below the data folder.

    Parameters
    ----------
    path : Path
        As given; an absolute one is taken as it is.
    data : Path, optional
        The data folder; by default what ``KEEPWELL_DATA`` names, else there is none.

    Raises
    ------
    InputError
        With every place that was tried.
    """
    named = data or (Path(folder) if (folder := os.environ.get("KEEPWELL_DATA")) else None)
    places = [Path.cwd() / path]
    if named is not None and not path.is_absolute():
        places.append(Path.cwd() / named / path)
    for place in places:
        if place.is_file():
            return place
    rule = f"does not exist: looked for {' and '.join(map(str, places))}"
    remedy = "give such a file with --table"
    if len(places) == 1 and not path.is_absolute():
        remedy += ", or name its folder with --data or KEEPWELL_DATA"
    raise InputError([Problem(str(path), "", rule, remedy=remedy)])
