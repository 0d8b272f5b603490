"""Did the power obey? One judgement per kind of command, from what is measured now. Pure.

A device that holds a set-point and does otherwise is the failure no echo shows: a relay that hangs, a battery that
refuses, a second master. Tolerances cover meters that look at different moments.
"""

from __future__ import annotations

from collections.abc import Iterator

from ems_pipeline.control import genset_effect
from ems_pipeline.control.live import Live
from ems_pipeline.control.verdict import MARGIN, MARGIN_W, Effect, Verdict, verdict
from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
)
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode, MachineMode

STANDBY_W = 10.0
"""What a switched machine may still seem to draw when it is off."""
NEAR_TARGET_PCT = 1.5


def judge(site: Site, command: Command, live: Live) -> Effect:
    """Whether a device does what it holds."""
    match command:
        case BatteryCommand():
            return _battery(command, live)
        case ChargerCommand():
            return _charger(site, command, live)
        case HeatPumpCommand():
            return _heat_pump(command, live)
        case GensetCommand():
            return genset_effect.judge(command, live)
        case MachineCommand():
            return _machine(command, live)
    return Effect(Verdict.OPEN, "signals have no power of their own")


def _battery(command: BatteryCommand, live: Live) -> Effect:
    names = ("battery_power_w", "battery_soc_pct", "grid_power_w", "pv_power_w")
    measured = {name: value for name in names if (value := live.of(command.device, name)) is not None}
    if "battery_power_w" not in measured:
        return Effect(Verdict.OPEN, "the battery's power is not measured", measured)
    faults = list(_battery_faults(command, measured, live))
    return Effect(verdict(not faults), "; ".join(faults), measured)


def _battery_faults(command: BatteryCommand, measured: dict[str, float], live: Live) -> Iterator[str]:
    battery_w, grid_w = measured["battery_power_w"], measured.get("grid_power_w")
    yield from _above("charges with", -battery_w, command.charge_limit_w)
    yield from _above("discharges with", battery_w, command.discharge_limit_w)
    yield from _above("makes PV of", measured.get("pv_power_w"), command.pv_limit_w)
    yield from _above("feeds in", None if grid_w is None else -grid_w, command.export_limit_w)
    match command.mode:
        case BatteryMode.HOLD if battery_w > MARGIN_W:
            yield f"discharges {battery_w:.0f} W although it is to hold"
        case BatteryMode.SELF_USE if grid_w is not None and grid_w > MARGIN_W and battery_w < -MARGIN_W:
            yield f"charges {-battery_w:.0f} W while {grid_w:.0f} W are bought"
        case BatteryMode.CHARGE if -battery_w < MARGIN_W and _can_charge(command, measured, live):
            yield f"does not charge: battery {battery_w:.0f} W"
        case BatteryMode.DISCHARGE if battery_w < MARGIN_W and _can_discharge(command, measured, live):
            yield f"does not discharge: battery {battery_w:.0f} W"


def _can_charge(command: BatteryCommand, measured: dict[str, float], live: Live) -> bool:
    """Whether charging may be expected: below the target, with a limit worth the name, and the battery allows it."""
    target_pct = 100.0 if command.target_soc_pct is None else command.target_soc_pct
    is_full = measured.get("battery_soc_pct", 0.0) >= target_pct - NEAR_TARGET_PCT
    allowed_a = live.of(command.device, "bms_charge_current_limit")
    return not is_full and (command.charge_limit_w or 0.0) > 2 * MARGIN_W and allowed_a != 0


def _can_discharge(command: BatteryCommand, measured: dict[str, float], live: Live) -> bool:
    is_empty = measured.get("battery_soc_pct", 100.0) <= (command.target_soc_pct or 0.0) + NEAR_TARGET_PCT
    allowed_a = live.of(command.device, "bms_discharge_current_limit")
    room_w = min(command.discharge_limit_w or 0.0, command.export_limit_w or 0.0)
    return not is_empty and room_w > 2 * MARGIN_W and allowed_a != 0


def _above(does: str, power_w: float | None, limit_w: float | None) -> Iterator[str]:
    if power_w is not None and limit_w is not None and power_w > limit_w * MARGIN + MARGIN_W:
        yield f"{does} {power_w:.0f} W, {limit_w:.0f} W allowed"


def _charger(site: Site, command: ChargerCommand, live: Live) -> Effect:
    power_w, status = live.of(command.device, "ev_power_w"), live.of(command.device, "ev_status")
    if power_w is None:
        return Effect(Verdict.OPEN, "its power is not measured")
    charger = next(c for c in site.chargers if c.device == command.device)
    limit_w = command.current_a * command.phases * charger.voltage_v
    measured = {"ev_power_w": power_w} | ({} if status is None else {"ev_status": status})
    if faults := list(_above("gives", power_w, limit_w)):
        return Effect(Verdict.DISOBEYED, faults[0], measured)
    wants = status in (EvStatus.CHARGING, EvStatus.CHARGING_VENTILATED)
    if command.mode is ChargerMode.CHARGE and wants and power_w < MARGIN_W:
        return Effect(Verdict.OPEN, "the car has not begun", measured)
    return Effect(Verdict.OBEYED, "" if wants or command.mode is ChargerMode.OFF else "no car asks", measured)


def _heat_pump(command: HeatPumpCommand, live: Live) -> Effect:
    power_w = live.heat_pump_w(command.device)
    if power_w is None:
        return Effect(Verdict.OPEN, "its power is not measured")
    measured = {"heat_pump_power_w": power_w}
    stands = power_w < MARGIN_W
    match command.mode:
        case HeatPumpMode.BLOCKED:
            return Effect(Verdict.OBEYED if stands else Verdict.OPEN, "" if stands else "it finishes its run", measured)
        case HeatPumpMode.NORMAL:
            return Effect(Verdict.OBEYED, "it may do what it wants", measured)
    return Effect(
        Verdict.OPEN if stands else Verdict.OBEYED, "the compressor has not begun" if stands else "", measured
    )


def _machine(command: MachineCommand, live: Live) -> Effect:
    power_w = live.of(command.device, "machine_power_w")
    if power_w is None:
        return Effect(Verdict.OPEN, "its power is not measured")
    measured, stands = {"machine_power_w": power_w}, power_w < STANDBY_W
    if command.mode is MachineMode.OFF:
        return Effect(verdict(stands), "" if stands else f"draws {power_w:.0f} W although it is off", measured)
    return Effect(Verdict.OPEN if stands else Verdict.OBEYED, "the machine has not begun" if stands else "", measured)
