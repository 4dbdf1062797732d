"""A user's own features and playbooks: entries in the configuration, or files of them beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from features.errors import Problem
from models.playbook import Playbook, parse_playbooks

Entries = list[Any]  # Any: YAML before validation


def read_entries(items: Entries, folder: Path) -> tuple[Entries, list[str], list[Problem]]:
    """The entries under ``features``, those of files in the place of the file's path.

    Parameters
    ----------
    items : list
        Entries, and paths of YAML files with a list of entries, relative to ``folder``.
    folder : Path
        Where the configuration lies.

    Returns
    -------
    entries : list
    places : list of str
        Where each entry stands: ``features.0``, or the file with the entry's number.
    problems : list of Problem
        Files that cannot be read.
    """
    entries: Entries = []
    places: list[str] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        place = f"features.{index}"
        if not isinstance(item, str):
            entries.append(item)
            places.append(place)
            continue
        found, fault = _read_file(folder / item)
        if fault:
            remedy = "give the path of a YAML file with a list of entries, beside this file"
            problems.append(Problem("config", place, f"{item} {fault}", remedy=remedy))
        entries += found
        places += [f"{place} ({item}).{number}" for number in range(len(found))]
    return entries, places, problems


def read_own_playbooks(value: object, folder: Path) -> tuple[list[Playbook], list[Problem]]:
    """The playbooks under ``playbooks``: a list of them, or the path of a file with one.

    Parameters
    ----------
    value : object
        As the YAML has it.
    folder : Path
        Where the configuration lies.
    """
    place, remedy = "playbooks", "give a list of playbooks, or the path of a YAML file with one"
    if isinstance(value, str):
        entries, fault = _read_file(folder / value)
        if fault:
            return [], [Problem("config", place, f"{value} {fault}", remedy=remedy)]
        return parse_playbooks(entries, f"{place} ({value})")
    if not isinstance(value, list):
        return [], [Problem("config", place, "is neither a list nor a path", remedy=remedy)]
    return parse_playbooks(value, place)


def _read_file(path: Path) -> tuple[Entries, str]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return [], "does not exist"
    except (OSError, UnicodeDecodeError) as error:
        return [], f"cannot be read: {type(error).__name__}"
    except yaml.YAMLError as error:
        return [], f"is no valid YAML: {' '.join(str(error).split())}"
    if not isinstance(found, list):
        return [], "must be a list of entries"
    return found, ""
