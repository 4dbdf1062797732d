"""What the catalogue says of a feature, held by every tree: a higher value raises, or lowers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from models.encoding import Encoding
from models.table import Trait

if TYPE_CHECKING:
    from models.training import Parameters

SIGNS = {"raises": 1, "lowers": -1, None: 0}
# "basic" forbids more than the constraint asks for, as every split of a constrained feature fences
# off both sides at their middle; "advanced" looks further than trees of few leaves have leaves.
METHOD = "intermediate"
_KEYS = ("monotone_constraints", "monotone_constraints_method")


def constrain(params: Parameters, encoding: Encoding, traits: Mapping[str, Trait]) -> Parameters:
    """The parameters with the constraints of these columns, in place of those of any others.

    A category has no higher value and is never constrained. A missing value is free: it goes
    to the side of a split where it fits.

    Parameters
    ----------
    params : dict
        LightGBM's parameters.
    encoding : Encoding
        Its columns are those of the matrix, in their order.
    traits : mapping of str to Trait
        By feature; one that is not there has no direction.
    """
    free = {name: value for name, value in params.items() if name not in _KEYS}
    signs = [_sign(name, encoding, traits) for name in encoding.columns]
    if not any(signs):
        return free
    listed = ",".join(map(str, signs))
    return {**free, "monotone_constraints": listed, "monotone_constraints_method": METHOD}


def _sign(name: str, encoding: Encoding, traits: Mapping[str, Trait]) -> int:
    if name in encoding.categories or name not in traits:
        return 0
    return SIGNS[traits[name].direction]
