"""What was probably meant by a key that the configuration does not have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel


def suggest(name: str, known: Iterable[str]) -> str | None:
    """The name that is most like another one; None when none is alike."""
    alike = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), list(alike), n=1)
    return alike[found[0]] if found else None


def find_keys(model: type[BaseModel], path: Sequence[str | int]) -> set[str]:
    """All keys that may stand at a place of a document.

    Parameters
    ----------
    model : type of BaseModel
        Of the whole document.
    path : sequence of str or int
        Keys and places in lists that lead there, as pydantic names them.

    Returns
    -------
    set of str
        Empty where the place holds no section of the document.
    """
    models = {model}
    for step in path:
        inner: set[type[BaseModel]] = set()
        for one in models:
            field = one.model_fields.get(str(step))
            # Into a list or a mapping leads any step; its members were found with the field.
            inner |= {one} if field is None else _find_models(field.annotation)
        models = inner
    return {name for one in models for name in one.model_fields}


def _find_models(annotation: Any) -> set[type[BaseModel]]:  # Any: a type, of any kind
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {annotation}
    return set().union(*map(_find_models, get_args(annotation)))
