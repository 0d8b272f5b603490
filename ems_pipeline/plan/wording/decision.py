"""What one device is told for one slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ems_pipeline.sites.modes import BatteryMode, ChargerMode, GensetMode, HeatPumpMode, MachineMode, PvMode
from ems_pipeline.sites.wish import Mode, Wish

KINDS: Mapping[type[Mode], str] = {
    BatteryMode: "battery",
    PvMode: "pv",
    ChargerMode: "charger",
    HeatPumpMode: "heat-pump",
    GensetMode: "genset",
    MachineMode: "deferrable",
}
"""Whose modes they are, as stored in ``ems.planning_device_interval.kind``."""


@dataclass(frozen=True)
class Decision:
    """A wish, and why; ``state`` is the device's own (percent, Wh given, degrees) at the slot's end."""

    slot: int
    key: str
    power_w: float
    wish: Wish
    reason: str
    state: float | None = None

    @property
    def kind(self) -> str:
        """Kind of the device."""
        return KINDS[type(self.wish.mode)]
