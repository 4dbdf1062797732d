"""The one folder under which Keepwell writes everything."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from features.errors import InputError, Problem


@dataclass(frozen=True)
class Home:
    """Paths under ``KEEPWELL_HOME`` (default ``.keepwell/`` in the working folder)."""

    folder: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that the environment names."""
        return cls(Path(os.environ.get("KEEPWELL_HOME") or ".keepwell").resolve())

    @property
    def store_url(self) -> str:
        """The snapshot store: ``KEEPWELL_STORE``, by default SQLite under the home."""
        return os.environ.get("KEEPWELL_STORE") or f"sqlite:///{self.folder / 'store.db'}"

    @property
    def service_store_url(self) -> str:
        """What the service writes, and its keys: ``KEEPWELL_SERVICE_STORE``, else SQLite here."""
        named = os.environ.get("KEEPWELL_SERVICE_STORE")
        return named or f"sqlite:///{self.folder / 'service.db'}"

    @property
    def spill(self) -> Path:
        """Where DuckDB writes what does not fit into memory."""
        return self.folder / "spill"

    @property
    def rollups(self) -> Path:
        """Usage rolled up, in a folder for each company."""
        return self.folder / "rollups"

    @property
    def quarantine(self) -> Path:
        """Rows that break a rule, in a folder for each company."""
        return self.folder / "quarantine"

    def report(self, company: str, model: str, version: str) -> Path:
        """Folder of the pages about one version of a model."""
        return self.folder / "reports" / company / model / version

    @property
    def demo(self) -> Path:
        """The demo company's tables."""
        return self.folder / "demo"


def prepare_environment(home: Home) -> None:
    """Turn off the telemetry of every dependency and keep what they write under the home.

    To be called before they are imported; what the environment already says stays.

    Raises
    ------
    InputError
        When a folder to write to cannot be made.
    """
    _make_folder("KEEPWELL_HOME", home.spill)
    for name, value in {
        "PREFECT_HOME": str(home.folder / "prefect"),
        "MPLCONFIGDIR": str(home.folder / "matplotlib"),
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }.items():
        os.environ.setdefault(name, value)
    _make_folder("PREFECT_HOME", Path(os.environ["PREFECT_HOME"]))  # Prefect makes no parents


def _make_folder(variable: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        rule = f"must name a folder to write to, but {folder} cannot be made: {error.strerror}"
        remedy = "name a folder of your own, or unset it"
        raise InputError([Problem(variable, "", rule, remedy=remedy)]) from None
