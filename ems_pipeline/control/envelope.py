"""The safety envelope: what no plan, override or fault of either may make a device of this site do.

Pure. Each law is a function to `(command, note)`; a note says what was changed and why. Above it stands only the
hardware's own protection. `grid_limit` holds what concerns all devices together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, GensetCommand, HeatPumpCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.devices.installed.options import stated
from ems_pipeline.devices.points.map_file import MapFileError, load_map
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Battery, Charger, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode

FULL_PCT = 100.0


def bound(site: Site, command: Command, live: Live) -> tuple[Command, list[str]]:
    """The command within the envelope, and a note for each law that changed it.

    Raises:
        SetpointRefused: a state the judgement needs is not known; the device is to be released.
    """
    laws: list[Callable[[Any], tuple[Command, str]]] = []
    match command:
        case BatteryCommand():
            ratings = [partial(law, site) for law in (_pack_limits, _export_contract, _pv_rating)]
            laws = [
                partial(_contract, site),
                *ratings,
                partial(_state_of_charge, site, live),
                partial(_blind_sale, site, live),
            ]
        case ChargerCommand():
            laws = [partial(_current, site)]
        case HeatPumpCommand():
            laws = [partial(_comfort, site, live), partial(_compressor, site)]
        case GensetCommand():
            laws = [partial(_genset_rating, site)]
    notes = []
    for law in laws:
        command, note = law(command)
        notes += [note] if note else []
    return command, notes


def _contract(site: Site, command: BatteryCommand) -> tuple[Command, str]:
    """Where the grid may not charge it, only what is left over does; where it may not be sold, it serves the house."""
    if command.mode is BatteryMode.CHARGE and not site.grid.grid_to_battery:
        return replace(command, mode=BatteryMode.HOLD, target_soc_pct=None), say.NO_GRID_CHARGE()
    if command.mode is BatteryMode.DISCHARGE and not site.grid.battery_to_grid:
        return replace(command, mode=BatteryMode.SELF_USE), say.NO_BATTERY_SALE()
    return command, ""


def _pack_limits(site: Site, command: BatteryCommand) -> tuple[Command, str]:
    """Powers within what the site file allows; a limit that is not named means all of it."""
    if not _packs(site, command.device):
        return command, ""
    highest = partial(_highest, site, command.device)
    charge_w, charge_note = _power("charge_limit_w", command.charge_limit_w, highest("charge_limit_w"))
    give_w, give_note = _power("discharge_limit_w", command.discharge_limit_w, highest("discharge_limit_w"))
    note = "; ".join(n for n in (charge_note, give_note) if n)
    return replace(command, charge_limit_w=charge_w, discharge_limit_w=give_w), note


def _power(name: str, asked_w: float | None, highest_w: float) -> tuple[float, str]:
    if asked_w is None or 0 <= asked_w <= highest_w:
        return highest_w if asked_w is None else asked_w, ""
    return min(max(asked_w, 0.0), highest_w), say.OUTSIDE(limit=name, asked=f"{asked_w:g} W", most=f"{highest_w:g} W")


def _export_contract(site: Site, command: BatteryCommand) -> tuple[Command, str]:
    allowed_w = min(site.grid.export_limit_w, _highest(site, command.device, "export_limit_w"))
    limit_w, note = _power("export_limit_w", command.export_limit_w, allowed_w)
    return replace(command, export_limit_w=limit_w), note


def _pv_rating(site: Site, command: BatteryCommand) -> tuple[Command, str]:
    if command.pv_limit_w is None:
        return command, ""
    has_roof = any(a.device == command.device for a in site.pv)
    rating_w = _highest(site, command.device, "pv_limit_w") if has_roof else 0.0
    limit_w, note = _power("pv_limit_w", command.pv_limit_w, rating_w)
    return replace(command, pv_limit_w=limit_w), note


def _state_of_charge(site: Site, live: Live, command: BatteryCommand) -> tuple[Command, str]:
    """Selling stops at the reserve, own use at the minimum, charging at the maximum, judged by the measured charge."""
    packs = _packs(site, command.device)
    if not packs:
        return command, ""
    soc_pct = live.of(command.device, "battery_soc_pct")
    if soc_pct is None and command.mode in (BatteryMode.CHARGE, BatteryMode.DISCHARGE):
        raise SetpointRefused(
            f"{command.device}: no {command.mode} without a measured state of charge", "see why it is not measured"
        )
    own_pct = float(site.device(command.device).options.get("min_soc_pct", 0.0))
    lowest = max(own_pct, *(pack.min_soc_pct for pack in packs))
    reserve = max(own_pct, *(pack.reserve_soc_pct for pack in packs))
    highest = min(pack.max_soc_pct for pack in packs)
    command, note = _target(command, reserve if command.mode is BatteryMode.DISCHARGE else lowest, highest)
    if soc_pct is None:
        return command, note
    if command.mode is BatteryMode.DISCHARGE and soc_pct <= reserve:
        mode = BatteryMode.SELF_USE if soc_pct > lowest else BatteryMode.HOLD
        return replace(command, mode=mode, target_soc_pct=None), say.NO_SALE(
            soc=f"{soc_pct:g} %", reserve=f"{reserve:g} %"
        )
    if soc_pct >= highest and (highest < FULL_PCT or command.mode is BatteryMode.CHARGE):
        mode = BatteryMode.HOLD if command.mode is BatteryMode.CHARGE else command.mode
        full = replace(command, mode=mode, charge_limit_w=0.0, target_soc_pct=None)
        return full, say.NO_CHARGING(soc=f"{soc_pct:g} %", most=f"{highest:g} %")
    return command, note


def _target(command: BatteryCommand, floor: float, highest: float) -> tuple[BatteryCommand, str]:
    """A named target goes into the window; charging and selling always get one, so that they end by themselves."""
    asked = command.target_soc_pct
    if asked is None:
        default = {BatteryMode.CHARGE: highest, BatteryMode.DISCHARGE: floor}.get(command.mode)
        return replace(command, target_soc_pct=default), ""
    target = min(max(asked, floor), highest)
    told = {"asked": f"{asked:g} %", "least": f"{floor:g}", "most": f"{highest:g} %"}
    return replace(command, target_soc_pct=target), "" if target == asked else say.TARGET(**told)


def _blind_sale(site: Site, live: Live, command: BatteryCommand) -> tuple[Command, str]:
    """A device that is told a power and no export limit sells what the contract leaves beside what flows out now."""
    if command.mode is not BatteryMode.DISCHARGE or not _is_blind(site, command.device):
        return command, ""
    base_w, allowed_w = live.base_w, command.export_limit_w
    if base_w is None or allowed_w is None:
        return replace(command, mode=BatteryMode.SELF_USE, target_soc_pct=None), say.NO_BLIND_SALE()
    room_w = float(math.floor(max(0.0, allowed_w + min(base_w, 0.0))))
    if command.discharge_limit_w is not None and command.discharge_limit_w <= room_w:
        return command, ""
    note = say.ROOM(most=f"{allowed_w:g} W", left=f"{room_w:g} W")
    if room_w == 0:
        return replace(command, mode=BatteryMode.SELF_USE, target_soc_pct=None), note
    return replace(command, discharge_limit_w=room_w), note


def _is_blind(site: Site, device: str) -> bool:
    try:
        recipe = load_map(site.device(device).map).recipe
    except MapFileError as error:
        raise SetpointRefused(error.what, error.remedy) from None
    return recipe is not None and not recipe.brings("export_limit_w")


def _current(site: Site, command: ChargerCommand) -> tuple[Command, str]:
    """0 A, or between what a car needs to charge at all (IEC 61851-1: 6 A) and what the circuit carries."""
    charger, highest_a = _charger(site, command.device), _highest(site, command.device, "max_current_a")
    if command.mode is ChargerMode.OFF:
        return replace(command, current_a=0.0, phases=charger.phases), ""
    current_a = min(float(math.floor(command.current_a)), highest_a)
    if current_a < charger.min_current_a:
        off = replace(command, mode=ChargerMode.OFF, current_a=0.0, phases=charger.phases)
        given, least = f"{min(command.current_a, highest_a):g} A", f"{charger.min_current_a:g} A"
        return off, say.BELOW_CAR(current=given, least=least)
    notes = [say.CIRCUIT(current=f"{command.current_a:g} A", most=f"{highest_a:g} A")]
    notes = notes if command.current_a > highest_a else []
    phases = command.phases if command.phases in charger.choices else charger.phases
    if command.phases != phases:
        notes.append(say.WIRED(phases=str(charger.phases), asked=str(command.phases)))
    return replace(command, current_a=current_a, phases=phases), "; ".join(notes)


def _comfort(site: Site, live: Live, command: HeatPumpCommand) -> tuple[Command, str]:
    """No blocking in a house that is too cold or of unknown temperature, no forcing in one that is too warm."""
    house = next(pump.house for pump in site.heat_pumps if pump.device == command.device)
    indoor_c = live.indoor_c(command.device)
    normal = replace(command, mode=HeatPumpMode.NORMAL, power_limit_w=None)
    if command.mode is HeatPumpMode.BLOCKED and indoor_c is None:
        return normal, say.NOT_BLOCKED()
    if indoor_c is None:
        return command, ""
    if indoor_c < house.comfort_min_c and (command.mode is HeatPumpMode.BLOCKED or command.power_limit_w is not None):
        return normal, say.NOT_HELD_BACK(indoor=f"{indoor_c:.1f} °C", least=f"{house.comfort_min_c:g} °C")
    if indoor_c >= house.comfort_max_c and command.mode in (HeatPumpMode.RECOMMENDED, HeatPumpMode.FORCED):
        return normal, say.NOT_PUSHED(indoor=f"{indoor_c:.1f} °C", most=f"{house.comfort_max_c:g} °C")
    return command, ""


def _compressor(site: Site, command: HeatPumpCommand) -> tuple[Command, str]:
    """A power limit no lower than the compressor's least power, and none where it would not bind."""
    pump = next(pump for pump in site.heat_pumps if pump.device == command.device)
    limit_w = command.power_limit_w
    if limit_w is None or pump.min_power_w <= limit_w < pump.max_power_w:
        return command, ""
    if limit_w >= pump.max_power_w:
        return replace(command, power_limit_w=None), ""
    note = say.COMPRESSOR(asked=f"{limit_w:g} W", least=f"{pump.min_power_w:g} W")
    return replace(command, power_limit_w=pump.min_power_w), note


def _genset_rating(site: Site, command: GensetCommand) -> tuple[Command, str]:
    genset = next(g for g in site.gensets if g.device == command.device)
    if command.run and genset.locked_out:
        return replace(command, run=False, power_w=0.0), say.LOCKED_OUT(genset=genset.key)
    power_w = min(max(command.power_w, genset.min_power_w), genset.max_power_w) if command.run else 0.0
    if power_w == command.power_w:
        return command, ""
    note = say.RANGE(asked=f"{command.power_w:g} W", given=f"{power_w:g} W")
    return replace(command, power_w=power_w), note


def _highest(site: Site, device: str, limit: str) -> float:
    """The smallest that the site file states of a limit of a device: by its parts, or by its own options."""
    return float(stated(site, site.device(device)).get(limit, math.inf))


def _packs(site: Site, device: str) -> list[Battery]:
    return [battery for battery in site.batteries if battery.device == device]


def _charger(site: Site, device: str) -> Charger:
    return next(charger for charger in site.chargers if charger.device == device)
