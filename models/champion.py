"""Where bundles lie under the home, and the pointer to the one in use."""

from __future__ import annotations

import os
from pathlib import Path

from models.card import CARD_FILE, bundle_problem

POINTER = "champion"


def bundle_folder(home: Path, company: str, model: str, version: str) -> Path:
    """Folder of one version of a company's model, whether it exists or not."""
    return home / "bundles" / company / model / version


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
    folder = bundle_folder(home, company, model, version)
    if not (folder / CARD_FILE).is_file():
        raise bundle_problem(folder, CARD_FILE, "there is no such bundle to promote")
    pointer = folder.parent / POINTER
    draft = pointer.with_name(f".{POINTER}.{os.getpid()}")
    draft.write_text(f"{version}\n", encoding="utf-8")
    draft.replace(pointer)


def champion(home: Path, company: str, model: str) -> Path | None:
    """Folder of the bundle in use; None when none was ever promoted."""
    pointer = home / "bundles" / company / model / POINTER
    if not pointer.is_file():
        return None
    return bundle_folder(home, company, model, pointer.read_text(encoding="utf-8").strip())
