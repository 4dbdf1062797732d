"""Where bundles lie under the home, and the pointer to the one in use."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from features.errors import InputError, Problem
from models.card import CARD_FILE, bundle_problem
from models.lock import hold

# The version in use in the first line; below it those before, the latest first.
POINTER = "champion"


def bundle_folder(home: Path, company: str, model: str, version: str) -> Path:
    """Folder of one version of a company's model, whether it exists or not."""
    return home / "bundles" / company / model / version


def hold_promotions(home: Path, company: str) -> AbstractContextManager[None]:
    """While it is held no other process of this home promotes a model of the company."""
    path = home / "bundles" / company / "promotion.lock"
    return hold(path, what=f"another run is promoting a model of {company}")


def promote(home: Path, company: str, model: str, version: str) -> None:
    """Point to a version; readers see the old pointer or the new one, never half of it.

    Parameters
    ----------
    home : Path
        Keepwell's home.
    company : str
        As in the configuration.
    model : str
        ``churn`` or ``renewal``.
    version : str
        Of a bundle that was written.

    Raises
    ------
    InputError
        When there is no such bundle.
    """
    _check_bundle(bundle_folder(home, company, model, version))
    _write(home, company, model, [version, *_versions(home, company, model)])


def roll_back(home: Path, company: str, model: str) -> str:
    """Point to the version that was in use before, and return it.

    Parameters
    ----------
    home, company, model
        As for `promote`.

    Raises
    ------
    InputError
        When there is none, or its bundle is gone; the pointer stays.
    """
    versions = _versions(home, company, model)
    if len(versions) < 2:
        rule = "has no earlier champion to go back to"
        remedy = f"nothing was promoted before version {versions[0]}" if versions else "train first"
        raise InputError([Problem(f"{company}, {model} model", "", rule, remedy=remedy)])
    _check_bundle(bundle_folder(home, company, model, versions[1]))
    _write(home, company, model, versions[1:])
    return versions[1]


def champion(home: Path, company: str, model: str) -> Path | None:
    """Folder of the bundle in use; None when none was ever promoted."""
    versions = _versions(home, company, model)
    return bundle_folder(home, company, model, versions[0]) if versions else None


def _check_bundle(folder: Path) -> None:
    if not (folder / CARD_FILE).is_file():
        raise bundle_problem(folder, CARD_FILE, "there is no such bundle to promote")


def _pointer(home: Path, company: str, model: str) -> Path:
    return home / "bundles" / company / model / POINTER


def _versions(home: Path, company: str, model: str) -> list[str]:
    pointer = _pointer(home, company, model)
    return pointer.read_text(encoding="utf-8").split() if pointer.is_file() else []


def _write(home: Path, company: str, model: str, versions: Sequence[str]) -> None:
    pointer = _pointer(home, company, model)
    draft = pointer.with_name(f".{POINTER}.{os.getpid()}")
    draft.write_text("".join(f"{version}\n" for version in versions), encoding="utf-8")
    draft.replace(pointer)
