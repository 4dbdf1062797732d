"""Targets of webhooks, as they come in and as they are told."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from models.webhook import Stopped
from serving.response import Answer


class TargetRequest(BaseModel):
    """Where messages are to go."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    name: str = Field(description="Who listens")
    url: str = Field(description="https:// and a host on the open internet")
    row_filter: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Values by field (segment, account_tier, owner, region, parent_id): it is told "
        "of these accounts only. owner needs the scope people:read",
    )


class TargetAnswer(Answer):
    """A target as it is kept."""

    target_id: str
    name: str
    url: str = Field(description="Without path and query: they may hold a secret")
    row_filter: dict[str, list[str]]
    created_at: datetime
    stopped: Stopped | None = Field(
        description="Why nothing is sent: gone (it answered 410), failing (for days); null while "
        "it is told"
    )
    failing_since: datetime | None
    old_secret_until: datetime | None = Field(
        description="Until then messages are signed by the secret before too; null without one"
    )
    waiting: int = Field(description="Messages to be sent")
    sent: int = Field(description="Messages that came through within a month")
    dead: int = Field(description="Messages that were given up")


class SecretRequest(BaseModel):
    """For how long the old secret goes on."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    overlap_hours: int = Field(
        default=168,
        ge=0,
        le=8760,
        description="How long messages are signed by the old secret too; 0: not at all, it leaked",
    )


class NewTarget(TargetAnswer):
    """A target with its secret, which nobody can show again."""

    secret: str = Field(description="By which it knows our messages")


class TargetList(Answer):
    """All targets, the oldest first."""

    targets: list[TargetAnswer]
