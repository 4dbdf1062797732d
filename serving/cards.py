"""The cards of the models behind a snapshot, read from the bundles of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError
from models.card import Card, read_card
from models.champion import bundle_folder, champion
from models.snapshot import SnapshotHeader
from serving.shelf import Memory


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is promoted now.

    Parameters
    ----------
    version : str or None
        None where nothing is.
    """

    version: str | None


class Cards:
    """Reads that block on the disk; a card that was read is remembered.

    Parameters
    ----------
    home : Path or None
        Keepwell's home, where the bundles lie; None: there are none.
    """

    def __init__(self, home: Path | None) -> None:
        self._home = home
        self._cards: Memory[Card] = Memory()

    def read(self, header: SnapshotHeader, name: str) -> Card | None:
        """The card of a model of a snapshot.

        None where there is no such model, or its bundle is not kept, or not readable, here.
        """
        use = header.models.get(name)
        if use is None or self._home is None:
            return None
        folder = bundle_folder(self._home, header.company, name, str(use["version"]))
        try:
            return self._cards.get(folder, lambda: read_card(folder))
        except InputError:
            return None

    def promoted(self, header: SnapshotHeader, name: str) -> Pointer | None:
        """What a model's next scores are made by; None where that cannot be told from here."""
        if self._home is None:
            return None
        try:
            folder = champion(self._home, header.company, name)
        except (OSError, ValueError):  # not readable, not UTF-8
            return None
        return Pointer(None if folder is None else folder.name)
