"""What a company's configuration says about its tables, its time rules and its labels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from features.entry import Template

# The longest that a period can be, by grain.
GRAIN_DAYS = {"day": 1, "week": 7, "month": 31}
Days = Annotated[int, Field(ge=0, le=3650)]
COLUMN_NAME = re.compile(r"[^\W\d]\w*")
# Databases and schemas that every DuckDB connection has.
DATABASES = frozenset({"memory", "system", "temp", "main", "information_schema", "pg_catalog"})


class Settings(BaseModel):
    """Base of every section: unknown keys are errors and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributeSettings(Settings):
    """A column to be used as a feature, beyond those that the catalogue reads by itself."""

    kind: Literal["category", "number"]
    constant: bool = False
    unit: str = ""


class ContractSettings(Settings):
    """How the rows of ``contracts`` are to be read: one per term, or one per agreement."""

    rows: Literal["term", "agreement"] = "term"


class MeasureSettings(Settings):
    """A numeric series that is not an event: a flow is added up, a level is read off."""

    kind: Literal["flow", "level"]
    unit: str = ""


class EventSettings(Settings):
    """What a usage event is in the product.

    ``view``: it only shows something, such as a page view. ``report``: a report was opened.
    ``hard_to_leave``: it builds what is costly to give up: an integration, an automation, records.
    """

    module: str | None = None
    core: bool = False
    value_action: bool = False
    view: bool = False
    report: bool = False
    hard_to_leave: bool = False


class GridSettings(Settings):
    """The as-of dates: every account is observed on the same grid."""

    first: date | None = None
    every: Literal["month", "week"] = "month"


class TimeSettings(Settings):
    """Zone, grain, end of the data (exclusive), as-of dates and windows."""

    zone: str = "UTC"
    grain: Literal["day", "week", "month"] = "day"
    data_end: date | None = None
    as_of: GridSettings = GridSettings()
    windows_days: tuple[Annotated[int, Field(ge=1, le=366)], ...] = (7, 28, 91)

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"must be a time zone such as Europe/Berlin, not {zone!r}")
        return zone

    @field_validator("windows_days")
    @classmethod
    def _windows_ascend(cls, windows: tuple[int, ...]) -> tuple[int, ...]:
        if not windows or list(windows) != sorted(set(windows)):
            raise ValueError("must be different numbers of days in ascending order")
        return windows


class InactivitySettings(Settings):
    """What counts as gone silent: no event, or a measure far below the account's own level."""

    silent_days: Annotated[int, Field(ge=1, le=366)] = 28
    events: tuple[str, ...] | None = None
    measure: str | None = None
    below_share: Annotated[float, Field(gt=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> InactivitySettings:
        if self.measure is not None and self.events is not None:
            raise ValueError("give events or a measure, not both")
        if (self.measure is None) != (self.below_share is None):
            raise ValueError("measure and below_share belong together")
        return self


class ChurnSettings(Settings):
    """The churn label: gone in ``(as_of + lead, as_of + lead + horizon]``."""

    by: tuple[Literal["contract", "inactivity"], ...] = ("contract",)
    horizon_days: Annotated[int, Field(ge=1, le=730)] = 90
    lead_days: Days = 0
    grace_days: Days = 30
    inactivity: InactivitySettings | None = None

    @model_validator(mode="after")
    def _rule_given(self) -> ChurnSettings:
        if not self.by:
            raise ValueError("by must name contract, inactivity or both")
        if "inactivity" in self.by and self.inactivity is None:
            raise ValueError("by: [inactivity] needs inactivity: {silent_days: ...}")
        return self


class RenewalSettings(Settings):
    """The renewal label: is the contract lost, seen up to ``max_lead_days`` before its decision."""

    max_lead_days: Annotated[int, Field(ge=1, le=730)] = 180
    grace_days: Days = 30


class LabelSettings(Settings):
    """What the models predict; a label that is left out trains no model."""

    churn: ChurnSettings | None = ChurnSettings()
    renewal: RenewalSettings | None = None


class CheckSettings(Settings):
    """What happens where a rule is broken: rows are sent away, the run stops, or it is but said."""

    unknown_account: Literal["quarantine", "stop", "allow"] = "quarantine"
    unknown_reference: Literal["stop", "allow"] = "allow"
    invalid_value: Literal["quarantine", "stop"] = "stop"
    duplicate_key: Literal["quarantine", "stop"] = "stop"
    future_date: Literal["quarantine", "stop", "allow"] = "quarantine"
    overlap: Literal["quarantine", "stop", "allow"] = "allow"
    gap: Literal["stop", "allow"] = "allow"
    missing_rate: Literal["quarantine", "stop", "allow"] = "stop"
    missing_day: Literal["stop", "allow"] = "allow"
    volume: Literal["stop", "allow"] = "allow"
    fresh: Literal["stop", "allow"] = "allow"
    outcome: Literal["stop", "allow"] = "stop"
    fresh_days: Annotated[int, Field(ge=1, le=366)] = 7


def _check_names(names: Iterable[str], what: str) -> None:
    """Refuse what cannot be part of a feature's name."""
    wrong = [name for name in names if not COLUMN_NAME.fullmatch(name)]
    if wrong:
        raise ValueError(
            f"a {what}'s name must be letters, digits and underscores and begin with no digit, "
            f"not {', '.join(map(repr, wrong))}; rename it in the query"
        )


class AbstentionSettings(Settings):
    """When an account gets no probability, since too little is known to give one."""

    min_history_days: Days = Field(default=28, description="Younger customers are not judged.")
    max_width: float = Field(
        default=0.5, gt=0, le=1, description="Widest interval, 0-1, of a probability that is given."
    )


class CompanySettings(Settings):
    """Everything that features and labels are made from."""

    currency: str = "USD"
    engine: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMG]i?B$")] = "1500MB"
    attach: dict[str, str] = {}
    tables: dict[str, str]
    attributes: dict[str, AttributeSettings] = {}
    contracts: ContractSettings = ContractSettings()
    measures: dict[str, MeasureSettings] = {}
    catalogue: dict[str, EventSettings] = {}
    features: tuple[Template, ...] = ()
    leave_out: tuple[str, ...] = ()
    time: TimeSettings = TimeSettings()
    labels: LabelSettings = LabelSettings()
    checks: CheckSettings = CheckSettings()
    abstention: AbstentionSettings = AbstentionSettings()

    @field_validator("attach")
    @classmethod
    def _attachments_are_names(cls, attach: dict[str, str]) -> dict[str, str]:
        _check_names(attach, "attached database")
        taken = [name for name in attach if name.lower() in DATABASES]
        if taken:
            raise ValueError(f"the name {taken[0]} is DuckDB's own, choose another one")
        return attach

    @field_validator("catalogue")
    @classmethod
    def _events_differ_in_more_than_case(
        cls, catalogue: dict[str, EventSettings]
    ) -> dict[str, EventSettings]:
        modules = {kind.module for kind in catalogue.values() if kind.module is not None}
        for names in (catalogue, modules):
            first: dict[str, str] = {}
            for name in sorted(names):
                if name.lower() in first:
                    pair = f"{first[name.lower()]} and {name}"
                    raise ValueError(
                        f"{pair} differ only in case, as features must not; write both alike"
                    )
                first[name.lower()] = name
        return catalogue

    @field_validator("attributes")
    @classmethod
    def _attributes_are_names(
        cls, attributes: dict[str, AttributeSettings]
    ) -> dict[str, AttributeSettings]:
        _check_names((key.rpartition(".")[2] for key in attributes), "column")
        return attributes

    @field_validator("measures")
    @classmethod
    def _measures_are_names(
        cls, measures: dict[str, MeasureSettings]
    ) -> dict[str, MeasureSettings]:
        _check_names(measures, "measure")
        return measures

    @model_validator(mode="after")
    def _silence_is_no_finer_than_the_grain(self) -> CompanySettings:
        churn, least = self.labels.churn, 2 * GRAIN_DAYS[self.time.grain]
        if churn is None or churn.inactivity is None or "inactivity" not in churn.by:
            return self
        if self.time.grain != "day" and churn.inactivity.silent_days < least:
            raise ValueError(
                f"labels.churn.inactivity.silent_days must be {least} or more with time.grain: "
                f"{self.time.grain}: a row stands for the whole period before its day"
            )
        return self

    @property
    def memory_bytes(self) -> int:
        """``memory_limit`` in bytes."""
        number = self.memory_limit.rstrip("BiKMG ")
        unit = self.memory_limit[len(number) :].strip()[0]
        return int(float(number) * {"K": 2**10, "M": 2**20, "G": 2**30}[unit])

    @property
    def grace_days(self) -> int:
        """Days after an end within which a successor still counts as a renewal."""
        section = self.labels.renewal or self.labels.churn
        return section.grace_days if section else 30

    @property
    def max_lead_days(self) -> int:
        """Days before its decision date from which a contract is judged by the renewal model."""
        return self.labels.renewal.max_lead_days if self.labels.renewal else 0
