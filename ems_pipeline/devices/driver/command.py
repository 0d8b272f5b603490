"""What the controller may ask of a device: a mode plus limits, in the site's units and signs.

A mode with limits, not a bare number, because it must degrade well in the quarter-hour between plans: "self-use, export
at most 0 W" stays right when a cloud passes. Drivers translate a `Command` into register writes or HTTP calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode, MachineMode


@dataclass(frozen=True, slots=True)
class BatteryCommand:
    """Powers in W >= 0 on the AC side; None = the device's own maximum. `export_limit_w` caps the site's feed-in."""

    device: str
    mode: BatteryMode
    charge_limit_w: float | None = None
    discharge_limit_w: float | None = None
    target_soc_pct: float | None = None
    export_limit_w: float | None = None
    pv_limit_w: float | None = None


@dataclass(frozen=True, slots=True)
class ChargerCommand:
    """Current per phase in A: 0, or from the charger's minimum to its maximum."""

    device: str
    mode: ChargerMode
    current_a: float = 0.0
    phases: int = 3


@dataclass(frozen=True, slots=True)
class HeatPumpCommand:
    """SG-Ready state; `power_limit_w` and `flow_setpoint_c` where the device understands them."""

    device: str
    mode: HeatPumpMode
    power_limit_w: float | None = None
    flow_setpoint_c: float | None = None


@dataclass(frozen=True, slots=True)
class SignalCommand:
    """Named values for a home controller (Loxone virtual inputs): plan, permission, heartbeat."""

    device: str
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class GensetCommand:
    """Run request with an electric power in W; the set keeps its own start and cool-down sequence."""

    device: str
    run: bool
    power_w: float = 0.0


@dataclass(frozen=True, slots=True)
class MachineCommand:
    """A machine switched on or off as a whole."""

    device: str
    mode: MachineMode


@dataclass(frozen=True, slots=True)
class PointCommand:
    """One point set by hand at commissioning, in its own unit; every device with writable points understands it.

    ``restores``: it puts back what stood before, so the site's limits do not bind it.
    """

    device: str
    point: str
    value: float
    restores: bool = False


Command = (
    PointCommand | BatteryCommand | ChargerCommand | HeatPumpCommand | SignalCommand | GensetCommand | MachineCommand
)
