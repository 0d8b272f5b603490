"""Deye three-phase hybrid inverters: battery modes as time-of-use recipes.

All six time-of-use slots get the same content, so the recipe does not depend on the inverter's clock and holds at any
hour. Recipes and their sources: docs/devices.md. Three rules come from incidents of other projects:

- Hold raises the slots' floor to 100 % instead of writing a zero discharge current: a frozen zero is easily forgotten.
- Slot flags are read, changed in one bit and written back: newer firmware keeps its own bits there.
- The slot block 148-177 is one request: rewriting parts of it made other brands zero the neighbours.
"""

from __future__ import annotations

import math

from ems_pipeline.devices.driver.command import BatteryCommand, Command
from ems_pipeline.devices.driver.contract import PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import Family, Target, wrong_command
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites.modes import BatteryMode

SLOTS = range(1, 7)
GRID_CHARGE_BIT = 1
EVERY_DAY = 0xFF
SELLING_FIRST, ZERO_EXPORT_TO_CT = 0, 2
FULL_PCT = 100.0


def translate(target: Target, command: Command) -> list[PointWrite]:
    """Registers for a battery mode. Powers become battery amperes at the live voltage, rounded down.

    Options: `charge_limit_w`, `discharge_limit_w` (what None means), `min_soc_pct` (floor), `export_limit_w` (the grid
    contract, never exceeded), `pv_limit_w` (what lifting a PV limit means), `limit_control` (2: zero export to CT).
    """
    if not isinstance(command, BatteryCommand):
        raise wrong_command(target, command)
    charge_w = _limit(target, "charge_limit_w", command.charge_limit_w)
    discharge_w = _limit(target, "discharge_limit_w", command.discharge_limit_w)
    floor_pct = target.option("min_soc_pct", 10.0)
    match command.mode:
        case BatteryMode.SELF_USE:
            slot_w, slot_pct = discharge_w, _target_pct(command, floor_pct)
        case BatteryMode.HOLD:
            slot_w, slot_pct = discharge_w, FULL_PCT
        case BatteryMode.CHARGE:
            slot_w, slot_pct = charge_w, _target_pct(command, FULL_PCT)
        case BatteryMode.DISCHARGE:
            slot_w, slot_pct = discharge_w, max(_target_pct(command, floor_pct), floor_pct)
    return [
        *_currents(target, charge_w, discharge_w),
        *_grid_charge(target, command.mode, charge_w, slot_pct),
        *_export(target, command),
        PointWrite("tou_enable", EVERY_DAY),
        *_slots(target, slot_w, slot_pct, grid_charge=command.mode is BatteryMode.CHARGE),
        *_pv_limit(target, command),
    ]


def release(target: Target) -> list[PointWrite]:
    """Plain self-use within the site's limits: what the inverter did before we came."""
    return translate(target, BatteryCommand(device=target.point_map.map, mode=BatteryMode.SELF_USE))


def needs(point_map: PointMap) -> frozenset[str]:
    """All settings (for read-modify-write and for writing only what changes), what turns watts into amperes, and how
    large the inverter is."""
    settings = {p.key for p in point_map.points if p.group == "setting"}
    limits = {"battery_voltage_v", "bms_charge_current_limit", "bms_discharge_current_limit"}
    return frozenset(settings | limits | set(point_map.rated_by.values()))


DEYE = Family(translate, release, needs, frozenset({BatteryCommand}))


def _target_pct(command: BatteryCommand, otherwise: float) -> float:
    return otherwise if command.target_soc_pct is None else command.target_soc_pct


def _limit(target: Target, option: str, limit_w: float | None) -> float:
    """The commanded limit, or the device's own maximum; refused when it exceeds what the site allows."""
    highest_w = target.option(option, _highest(target, "slot1_power"))
    if limit_w is None:
        return min(highest_w, _highest(target, "slot1_power"))
    if not 0 <= limit_w <= highest_w:
        raise SetpointRefused(f"{option} {limit_w:g} W is outside 0..{highest_w:g} W of this site; nothing was written")
    return limit_w


def _currents(target: Target, charge_w: float, discharge_w: float) -> list[PointWrite]:
    return [
        PointWrite("max_charge_current", _amperes(target, charge_w, "max_charge_current", "bms_charge_current_limit")),
        PointWrite(
            "max_discharge_current",
            _amperes(target, discharge_w, "max_discharge_current", "bms_discharge_current_limit"),
        ),
    ]


def _grid_charge(target: Target, mode: BatteryMode, charge_w: float, target_pct: float) -> list[PointWrite]:
    """The global enable is on only while charging: left on, a user who switches time-of-use off would buy energy."""
    if mode is not BatteryMode.CHARGE:
        return [PointWrite("grid_charge_enable", 0)]
    return [
        PointWrite("grid_charge_start_soc", _whole(target_pct)),
        PointWrite(
            "grid_charge_current", _amperes(target, charge_w, "grid_charge_current", "bms_charge_current_limit")
        ),
        PointWrite("grid_charge_enable", 1),
    ]


def _export(target: Target, command: BatteryCommand) -> list[PointWrite]:
    """Feed-in: never above the grid contract, and the battery feeds in only when told to discharge."""
    contract_w = target.option("export_limit_w", _highest(target, "max_sell_power"))
    asked_w = contract_w if command.export_limit_w is None else min(command.export_limit_w, contract_w)
    export_w = _down(target, "max_sell_power", asked_w)
    sells = command.mode is BatteryMode.DISCHARGE and export_w > 0
    zero_export = target.option("limit_control", ZERO_EXPORT_TO_CT)
    return [
        PointWrite("limit_control", SELLING_FIRST if sells else zero_export),
        PointWrite("max_sell_power", export_w),
        PointWrite("solar_sell", 1 if export_w > 0 else 0),
    ]


def _slots(target: Target, power_w: float, soc_pct: float, *, grid_charge: bool) -> list[PointWrite]:
    """The whole block: starts and voltages as they stand, power, floor and the grid-charge bit alike in all slots."""
    writes = [PointWrite(f"slot{n}_start", target.known(f"slot{n}_start")) for n in SLOTS]
    writes += [PointWrite(f"slot{n}_power", _down(target, f"slot{n}_power", power_w)) for n in SLOTS]
    writes += [PointWrite(f"slot{n}_voltage", target.known(f"slot{n}_voltage")) for n in SLOTS]
    writes += [PointWrite(f"slot{n}_soc", _whole(soc_pct)) for n in SLOTS]
    for n in SLOTS:
        others = int(target.known(f"slot{n}_flags")) & ~GRID_CHARGE_BIT
        writes.append(PointWrite(f"slot{n}_flags", others | (GRID_CHARGE_BIT if grid_charge else 0)))
    return writes


def _pv_limit(target: Target, command: BatteryCommand) -> list[PointWrite]:
    """Curtailment; without a limit the site's own maximum, and where the site names none the register is left alone."""
    limits = [command.pv_limit_w, target.options.get("pv_limit_w")]
    known = [float(w) for w in limits if w is not None]
    return [PointWrite("max_solar_power", _down(target, "max_solar_power", min(known)))] if known else []


def _amperes(target: Target, power_w: float, point: str, bms_limit: str) -> float:
    """Battery amperes for a power at the live voltage, rounded down, within what the battery itself allows."""
    allowed = min(_highest(target, point), target.known(bms_limit))
    return math.floor(min(power_w / target.known("battery_voltage_v"), allowed))


def _down(target: Target, point: str, power_w: float) -> float:
    """A limit rounded down to the register's step and into its range: a limit never grows by rounding."""
    step = target.point_map.point(point).scale
    return min(math.floor(power_w / step) * step, _highest(target, point))


def _highest(target: Target, point: str) -> float:
    found = target.point_map.point(point).range
    return found[1] if found else math.inf


def _whole(pct: float) -> float:
    return float(math.ceil(pct))
