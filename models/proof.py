"""Whether a bundle is whole: every file as its card says, before anything reads them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from models.bundle import GOLDEN_FILE, MODEL_FILE, read_file
from models.card import CARD_FILE, Card, bundle_problem, read_card


class Proof(NamedTuple):
    """What a worker reads of a bundle whose files are all as its card says."""

    folder: Path
    card: Card
    model: bytes
    golden: bytes


def prove(folder: Path, *, company: str, model: str) -> Proof:
    """The parts of a bundle that a worker needs, once all of it was checked.

    Parameters
    ----------
    folder : Path
        Of the bundle; its name is the version.
    company, model : str
        Whose it has to be.

    Raises
    ------
    InputError
        When a file is missing, was changed or does not belong there.
    """
    card = read_card(folder)
    if (card.company, card.model, card.version) != (company, model, folder.name):
        raise bundle_problem(folder, CARD_FILE, "it is the card of another model")
    strange = {path.name for path in folder.iterdir()} - {CARD_FILE, *card.files}
    if strange:
        raise bundle_problem(folder, CARD_FILE, f"it does not name {len(strange)} files beside it")
    for name in (MODEL_FILE, GOLDEN_FILE):
        if name not in card.files:
            raise bundle_problem(folder, name, "card.json has no sha256 of it")
    kept: dict[str, bytes] = {}
    for name, digest in card.files.items():
        content = read_file(folder, name, digest)
        if name in (MODEL_FILE, GOLDEN_FILE):
            kept[name] = content
    return Proof(folder, card, kept[MODEL_FILE], kept[GOLDEN_FILE])
