"""What the API takes and says of feature rows that a caller sends."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from models.account_score import Direction
from models.frame import MOST_ROWS
from serving.response import Answer, GroupAnswer, Share


class RowsRequest(BaseModel):
    """Feature rows, as the worker reads them; here for the API description."""

    model_config = ConfigDict(extra="forbid")

    columns: list[str] | None = Field(
        default=None, description="Names of features, where rows are lists of their values"
    )
    groups: bool = Field(
        default=True, description="False leaves `groups` of the answer null, which makes it short"
    )
    rows: list[dict[str, bool | float | str | None] | list[bool | float | str | None]] = Field(
        min_length=1,
        max_length=MOST_ROWS,
        description="Features by name, or their values in the order of `columns`; the card of "
        "`GET /v1/models/{name}` lists them. One that is left out, is null, or is a category that "
        "training did not see, counts as unknown",
    )


class RowDriver(Answer):
    """One reason behind the probability of a row."""

    feature: str = Field(description="Name in the feature catalogue")
    group: str = Field(
        description="Group in the feature catalogue; `other` for models trained before it was kept"
    )
    value: float | str | None = Field(description="What the model read; null when unknown")
    direction: Direction = Field(description="What it does to the probability of loss")
    contribution: float = Field(description="Log-odds; above 0 raises the probability of loss")
    points: float = Field(
        description="The same in probability (0.05: five points of 100). Those of all features "
        "add up to loss_probability less base_probability"
    )


class RowAnswer(Answer):
    """What the model says of one row."""

    loss_probability: Share
    log_odds: float = Field(description="Of loss_probability")
    drivers: list[RowDriver] = Field(description="The five strongest, strongest first")
    groups: list[GroupAnswer] | None = Field(
        description="All contributions by group, the strongest first; with base_log_odds they add "
        "up to log_odds. Null where they were not asked for"
    )


class RowsAnswer(Answer):
    """An answer for each row, in their order, and the version of the model that gave it."""

    company: str
    name: str = Field(description="Of the model")
    version: str
    horizon_days: int | None = Field(
        description="Length of the time in which an account leaves; null where it was not stated"
    )
    lead_days: int | None = Field(description="Days between the as-of date and that time")
    base_probability: Share = Field(description="From which every row's contributions start")
    base_log_odds: float
    results: list[RowAnswer]
