"""Who wants what of an asset in a slot: a plan row, a schedule and an override become the same record, a `Claim`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ems_pipeline.sites.wish import Unfit, Wish


class Source(StrEnum):
    """Authorities, highest first; stored in ``ems.setpoint.source``."""

    ENVELOPE = "envelope"
    """The safety envelope changed what was asked."""
    GRID = "grid"
    """The connection's import limit changed what was asked."""
    OVERRIDE = "override"
    SCHEDULE = "schedule"
    PLAN = "plan"
    RELEASE = "release"
    """Nobody may ask anything, or the device failed: it is handed back to its own logic."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one authority wants of one asset, and why.

    Attributes:
        power_w: expected bus power of the asset, its own sign (see `ems_pipeline.units`).
        override_id: of an override, as ``until_at``, when it ends.
    """

    asset_key: str
    wish: Wish | Unfit
    power_w: float
    reason: str
    source: Source
    override_id: int | None = None
    until_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What the plan in force wants in one slot, of every asset it has a row for."""

    planning_run_id: str
    decided_at: datetime
    claims: tuple[Claim, ...]
