"""What a device shall do in a slot: by whose authority, from which plan rows, why, until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    PointCommand,
    SignalCommand,
)
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode


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


@dataclass(frozen=True)
class Wish:
    """What an override, a schedule or a plan row wants of one asset; modes are those of `ems_pipeline.sites.modes`."""

    asset_key: str
    mode: str
    limits: Mapping[str, Any]
    power_w: float
    """Expected bus power of the asset, its own sign (see `ems_pipeline.units`)."""
    reason: str
    source: Source
    override_id: int | None = None


@dataclass(frozen=True)
class Desired:
    """One device in one slot; ``command`` None means release, unless ``refused`` says why nothing may be asked."""

    device: str
    command: Command | None
    source: Source
    reason: str
    valid_until: datetime
    power_w: float = 0.0
    """What the plan expects of the device's batteries, > 0 discharge; only the grid limit reads it."""
    asset_keys: tuple[str, ...] = ()
    planning_run_id: str | None = None
    plan_decided_at: datetime | None = None
    override_id: int | None = None
    refused: str = ""

    @property
    def is_release(self) -> bool:
        return self.command is None and not self.refused

    @property
    def hands_back(self) -> bool:
        """Whether it undoes something of ours: never held up by the write budget, wear is the smaller harm."""
        return self.source is Source.RELEASE or (isinstance(self.command, PointCommand) and self.command.restores)

    @property
    def document(self) -> dict[str, Any]:
        """The command as the journal keeps it; `command_of` reads it."""
        if self.command is None:
            return {"command": "release" if self.is_release else "none"}
        fields = asdict(self.command)
        if isinstance(self.command, SignalCommand):
            fields["values"] = dict(self.command.values)
        return {"command": type(self.command).__name__} | fields


def command_of(document: Mapping[str, Any]) -> Command | None:
    """The command a journalled document stands for; None for a release."""
    fields = {name: value for name, value in document.items() if name != "command"}
    match document["command"]:
        case "BatteryCommand":
            return BatteryCommand(**fields | {"mode": BatteryMode(fields["mode"])})
        case "ChargerCommand":
            return ChargerCommand(**fields | {"mode": ChargerMode(fields["mode"])})
        case "HeatPumpCommand":
            return HeatPumpCommand(**fields | {"mode": HeatPumpMode(fields["mode"])})
        case "SignalCommand":
            return SignalCommand(fields["device"], tuple(fields["values"].items()))
        case "GensetCommand":
            return GensetCommand(**fields)
        case "PointCommand":
            return PointCommand(**fields)
        case "release":
            return None
    raise ValueError(f"the journal holds a command {document['command']!r} that this version does not know")
