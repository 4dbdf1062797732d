"""An entry of the feature catalogue, as it is written in YAML: shipped, or a user's own."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

OWN_GROUP = "own"


class Template(BaseModel):
    """An entry as it is written in ``entries/<group>.yaml`` or under ``features``.

    ``direction`` says that a higher value can only raise, or only lower, the risk of loss;
    ``agreed`` that the value follows from dates agreed beforehand, such as the days to renewal;
    ``in_models`` that models see it: what they do not, warnings, playbooks and health still read.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str = OWN_GROUP
    unit: str
    meaning: str
    missing: str
    sql: str
    text: str
    text_missing: str = ""
    text_below_zero: str = ""
    playbook: str
    practice: str
    kind: Literal["number", "category"] = "number"
    for_measures: Literal["level", "flow"] | None = None
    for_modules: bool = False
    for_events: Literal["core"] | None = None
    optional: tuple[str, ...] = ()
    direction: Literal["raises", "lowers"] | None = None
    agreed: bool = False
    in_models: bool = True
