"""Why a company has no model: what its last training said, kept for the runs that miss it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from features.dataset import ModelName
from models.trained import Skipped, Trained
from pipelines.home import Home

UNTRAINED = "no model has been trained yet (keepwell train): states and dates are published alone"
ALL_THE_SAME = "states and dates are published all the same"


def refusal(outcome: Trained | Skipped) -> str | None:
    """Why a training gave no model to use, in one sentence; None when it gave one."""
    if isinstance(outcome, Skipped):
        return outcome.reason
    decision = outcome.report.decision
    return None if decision.promoted else f"not promoted: {decision.verdict}"


def keep_refusals(
    home: Home, company: str, outcomes: Mapping[ModelName, Trained | Skipped]
) -> None:
    """Write why the models of a training cannot be used, in place of what the last one said.

    Parameters
    ----------
    home : Home
    company : str
    outcomes : mapping of model name to Trained or Skipped
    """
    found = {name: why for name, outcome in outcomes.items() if (why := refusal(outcome))}
    path = _path(home, company)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(found), encoding="utf-8")
    fresh.replace(path)


def read_refusals(home: Home, company: str) -> dict[str, str] | None:
    """Why by model name, as the last training said; None when there was none in this home."""
    path = _path(home, company)
    if not path.is_file():
        return None
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return found


def say_missing(models: Mapping[str, object], refusals: Mapping[str, str] | None) -> list[str]:
    """What people have to know about the models that a ranking has not, a line each.

    Parameters
    ----------
    models : mapping of model name to identity
        Of a snapshot; None where no model was promoted.
    refusals : mapping of model name to sentence, or None
        As `read_refusals` gives them. A model that the configuration does not ask for has none.
    """
    known = refusals or {}
    missing = [name for name, identity in models.items() if identity is None]
    lines = [f"no {name} model: {known[name]}" for name in missing if name in known]
    if len(missing) < len(models):
        return lines
    return [*lines, ALL_THE_SAME] if lines else [UNTRAINED]


def _path(home: Home, company: str) -> Path:
    return home.folder / "reports" / company / "refusals.json"
