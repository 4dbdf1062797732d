"""Which feature tells how another one changed against the span before."""

from __future__ import annotations

import re
from collections.abc import Iterator

CHANGE = "change"  # the unit of a share by which something changed
# Where the change bears another name than what it is the change of.
_STEMS = {"value_actions": "value", "active_users": "users", "hours_online": "hours"}


def change_names(name: str) -> Iterator[str]:
    """The names that a feature's change to the span before may have in the catalogue.

    Parameters
    ----------
    name : str
        ``value_actions_28d`` gives ``value_change_28d``, ``crm_events_28d`` of a module ``crm``
        ``crm_change_28d``, the level of a measure its mean against that of the 28 days before.
        Nothing for a name without a window.
    """
    if name.endswith("_level"):
        yield f"{name.removesuffix('_level')}_change_28d"
    found = re.fullmatch(r"(.+)_(\d+d)", name)
    if found is not None:
        stem, window = found.groups()
        yield f"{_STEMS.get(stem, stem)}_change_{window}"
        if stem.endswith("_events"):
            yield f"{stem.removesuffix('_events')}_change_{window}"
