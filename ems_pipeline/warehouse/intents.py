"""From what a device is to be told to what became of it: the records of the journal, and the form its rows have.

An `Intent` grows from the authority's decision to the writes it takes; journalled it is a `Setpoint`, whose life is
told in `Step`s (which may follow which: `control.lifecycle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
    PointCommand,
    SignalCommand,
)
from ems_pipeline.devices.driver.contract import PointWrite
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode, MachineMode
from ems_pipeline.warehouse.claims import Source


class State(StrEnum):
    """As stored in ``ems.setpoint.state``."""

    INTENDED = "intended"
    SENT = "sent"
    """The device took (or may have taken) the writes; what stands in it is not known yet."""
    ECHOED = "echoed"
    """Read back: the device holds the values."""
    EFFECTIVE = "effective"
    """The measured power obeys."""
    FAILED = "failed"
    REVERTED = "reverted"
    """Held once, and no longer: the device forgot, or somebody else wrote."""
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    RELEASED = "released"
    """The device was handed back to its own logic."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A journalled command that this version cannot understand: nobody stands for it any more."""

    kept: Mapping[str, Any]
    fault: str


@dataclass(frozen=True)
class Intent:
    """What one device is to be told in a slot: by whose authority, from which rows, why, until when, in which writes.

    Attributes:
        command: None for a release, and where nothing could be made of what was asked (see ``fault``).
        power_w: what the plan expects of the device's batteries, > 0 discharge; only the grid limit reads it.
        fault: why it cannot be asked; then nothing is written.
        writes: all points of the command, also those that stand already.
        changes: those of them that have to be written.
        before: what stands in the points that are to change, as far as it is known.
    """

    device: str
    command: Command | Unreadable | None
    source: Source
    reason: str
    valid_until: datetime
    power_w: float = 0.0
    asset_keys: tuple[str, ...] = ()
    planning_run_id: str | None = None
    plan_decided_at: datetime | None = None
    override_id: int | None = None
    fault: str = ""
    writes: tuple[PointWrite, ...] = ()
    changes: tuple[PointWrite, ...] = ()
    before: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_release(self) -> bool:
        """Whether it hands the device back to its own logic."""
        return self.source is Source.RELEASE

    @property
    def hands_back(self) -> bool:
        """Whether it undoes something of ours: never held up by the write budget, wear is the smaller harm."""
        return self.is_release or (isinstance(self.command, PointCommand) and self.command.restores)

    @property
    def told(self) -> Command | None:
        """The command, where there is one that is understood."""
        return None if isinstance(self.command, Unreadable) else self.command

    @property
    def document(self) -> dict[str, Any]:
        """The command as the journal keeps it; `command_of` reads it."""
        if self.command is None:
            return {"command": "release" if self.is_release else "none"}
        if isinstance(self.command, Unreadable):
            return dict(self.command.kept)
        fields = asdict(self.command)
        if isinstance(self.command, SignalCommand):
            fields["values"] = dict(self.command.values)
        return {"command": type(self.command).__name__} | fields


NO_NUMBERS = frozenset({"device", "mode", "point", "values"})


def command_of(document: Mapping[str, Any]) -> Command | Unreadable | None:
    """The command of a kept document; None for a release, and for what could not be asked."""
    name = document.get("command")
    if name in ("release", "none"):
        return None
    fields = {key: value for key, value in document.items() if key != "command"}
    try:
        _check_numbers(fields)
        return _command(name, fields)
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        why = f"the journal holds a command {name!r} that this version does not understand ({fault})"
        return Unreadable(document, why)


def _check_numbers(fields: Mapping[str, Any]) -> None:
    for key, value in (*fields.items(), *fields.get("values", {}).items()):
        if key not in NO_NUMBERS and not isinstance(value, int | float | None):
            raise TypeError(f"{key} = {value!r} is no number")


def _command(name: object, fields: dict[str, Any]) -> Command:
    match name:
        case "BatteryCommand":
            return BatteryCommand(**fields | {"mode": BatteryMode(fields["mode"])})
        case "ChargerCommand":
            return ChargerCommand(**fields | {"mode": ChargerMode(fields["mode"])})
        case "HeatPumpCommand":
            return HeatPumpCommand(**fields | {"mode": HeatPumpMode(fields["mode"])})
        case "SignalCommand":
            return SignalCommand(fields["device"], tuple(sorted(fields["values"].items())))
        case "GensetCommand":
            return GensetCommand(**fields)
        case "MachineCommand":
            return MachineCommand(**fields | {"mode": MachineMode(fields["mode"])})
        case "PointCommand":
            return PointCommand(**fields)
    raise ValueError("there is none of that name")


@dataclass(frozen=True, slots=True)
class Held:
    """A device that may hold something of ours, or has an open set-point: where, and by which configuration."""

    site_key: str
    device_key: str
    wire: str
    config_hash: str


@dataclass(frozen=True)
class Setpoint:
    """An intent as it is journalled, with its life so far. ``setpoint_id`` 0: not journalled yet.

    Attributes:
        config_hash: the version of the site's configuration it was made with.
        wire: where the device answered, and as what (`devices.installed.address`).
    """

    site_key: str
    slot: datetime
    intent: Intent
    is_shadow: bool
    config_hash: str = ""
    wire: str = ""
    setpoint_id: int = 0
    state: State = State.INTENDED
    intended_at: datetime | None = None
    sent_at: datetime | None = None
    echoed_at: datetime | None = None

    @property
    def device(self) -> str:
        """Key of the device."""
        return self.intent.device

    @property
    def held(self) -> Held:
        """What it may have left in its device."""
        return Held(self.site_key, self.device, self.wire, self.config_hash)


@dataclass(frozen=True)
class Step:
    """One transition of one set-point, with what was measured when it was taken."""

    setpoint_id: int
    before: State
    after: State
    at: datetime
    reason: str = ""
    measured: Mapping[str, Any] = field(default_factory=dict)
