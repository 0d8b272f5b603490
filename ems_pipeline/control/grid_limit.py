"""The import limit of the connection and fuses, for all devices together: who gives way when the sum is too much.

Pure. The battery's grid charging gives way first, then the chargers from the last of the site file to the first; the
house and the heat pump keep what they need. Judged by what is measured now: PV that carries a car may vanish, so the
verification looks at the connection again every two minutes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
)
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Charger, Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode, MachineMode

Commands = Mapping[str, Command | None]
"""By device; None: it is released and does what it wants."""
PUSHED = frozenset({HeatPumpMode.RECOMMENDED, HeatPumpMode.FORCED})
SUPPORT_MARGIN_PCT = 5.0
"""A battery this little above its minimum is not counted on to carry a peak."""


def shed(
    site: Site, commands: Commands, planned_discharge_w: float, live: Live
) -> tuple[dict[str, Command], list[str]]:
    """Commands that had to give way, and a note for each.

    Args:
        planned_discharge_w: what the plan lets batteries give, W >= 0; counted on only where they can and may.
    """
    base_w = live.base_w
    if base_w is None:
        return _without_a_meter(commands)
    left_w = site.grid.import_limit_w - base_w - _rise_w(site, commands, live) - _loss_w(site, commands, live)
    left_w += _support_w(site, commands, planned_discharge_w, live)
    given: dict[str, Command] = {}
    notes = []
    fuses_w = {fuse.key: fuse.limit_w for fuse in site.fuses}
    for charger in site.chargers:
        behind = [fuse.key for fuse in site.fuses if charger.key in fuse.chargers]
        room_w = min([left_w, *(fuses_w[key] for key in behind)])
        draw_w, less = charger_within(charger, commands.get(charger.device or ""), room_w)
        is_by_fuse = room_w != left_w
        left_w -= draw_w
        fuses_w |= {key: fuses_w[key] - draw_w for key in behind}
        if less is not None:
            given[less.device] = less
            told = {"charger": charger.key, "current": f"{less.current_a:g} A"}
            by_fuse = say.GETS_BY_FUSE(fuses=", ".join(behind), **told)
            notes.append(by_fuse if is_by_fuse else say.GETS_BY_IMPORT(**told))
    for command in commands.values():
        if isinstance(command, BatteryCommand) and command.mode is BatteryMode.CHARGE:
            limit_w = math.inf if command.charge_limit_w is None else command.charge_limit_w
            if limit_w > left_w:
                given[command.device] = charge_within(command, left_w)
                notes.append(say.CHARGES_AT_MOST(device=command.device, most=f"{max(left_w, 0):.0f} W"))
            left_w -= min(limit_w, max(left_w, 0.0))
    return given, notes


def charge_within(command: BatteryCommand, left_w: float) -> BatteryCommand:
    if left_w <= 0:
        return replace(command, mode=BatteryMode.HOLD, target_soc_pct=None)
    return replace(command, charge_limit_w=float(math.floor(left_w)))


def charger_within(charger: Charger, command: Command | None, left_w: float) -> tuple[float, ChargerCommand | None]:
    """What the charger may draw, W, and its command where it had to give way."""
    if charger.device is None:  # nobody can tell it anything: it is part of the measured house
        return 0.0, None
    if not isinstance(command, ChargerCommand):
        return charger.max_power_w, None
    per_ampere_w = command.phases * charger.voltage_v
    if command.mode is ChargerMode.OFF or command.current_a * per_ampere_w <= left_w:
        return command.current_a * per_ampere_w, None
    current_a = math.floor(max(left_w, 0.0) / per_ampere_w)
    if current_a < charger.min_current_a:
        return 0.0, replace(command, mode=ChargerMode.OFF, current_a=0.0)
    return current_a * per_ampere_w, replace(command, current_a=float(current_a))


def _rise_w(site: Site, commands: Commands, live: Live) -> float:
    """What pushed heat pumps and machines to run may draw beyond what each draws now; unmeasured ones stand still."""
    pushed = [pump for pump in site.heat_pumps if _is_pushed(commands.get(pump.device or ""))]
    rise_w = sum(max(0.0, pump.max_power_w - (live.heat_pump_w(pump.device) or 0.0)) for pump in pushed)
    for machine in site.deferrables:
        command = commands.get(machine.device or "")
        if isinstance(command, MachineCommand) and command.mode is MachineMode.RUN:
            most_w = max((machine.power_w, *machine.profile_w))
            rise_w += max(0.0, most_w - (live.of(machine.device, "machine_power_w") or 0.0))
    return rise_w


def _loss_w(site: Site, commands: Commands, live: Live) -> float:
    """What gensets and curtailed PV give now and will not, once their commands are obeyed."""
    lost_w = 0.0
    for device in dict.fromkeys(asset.device for asset in site.assets if asset.device):
        match commands.get(device):
            case GensetCommand(run=run, power_w=power_w):
                lost_w += max(0.0, (live.of(device, "genset_power_w") or 0.0) - (power_w if run else 0.0))
            case BatteryCommand(pv_limit_w=float(limit_w)):
                lost_w += max(0.0, (live.of(device, "pv_power_w") or 0.0) - limit_w)
    return lost_w


def _is_pushed(command: Command | None) -> bool:
    return isinstance(command, HeatPumpCommand) and command.mode in PUSHED


def _support_w(site: Site, commands: Commands, planned_discharge_w: float, live: Live) -> float:
    """Planned discharge of batteries that may and can discharge, W."""
    able_w = 0.0
    for battery in site.batteries:
        command = commands.get(battery.device or "")
        soc_pct = live.of(battery.device, "battery_soc_pct")
        may = isinstance(command, BatteryCommand) and command.mode in (BatteryMode.SELF_USE, BatteryMode.DISCHARGE)
        if may and soc_pct is not None and soc_pct > battery.min_soc_pct + SUPPORT_MARGIN_PCT:
            able_w += battery.discharge_limit_w
    return min(max(planned_discharge_w, 0.0), able_w)


def _without_a_meter(commands: Commands) -> tuple[dict[str, Command], list[str]]:
    """Nothing that draws from the grid by our command may start or go on while nobody measures the connection."""
    given: dict[str, Command] = {}
    for command in commands.values():
        match command:
            case ChargerCommand(mode=ChargerMode.CHARGE):
                given[command.device] = replace(command, mode=ChargerMode.OFF, current_a=0.0)
            case BatteryCommand(mode=BatteryMode.CHARGE):
                given[command.device] = replace(command, mode=BatteryMode.HOLD, target_soc_pct=None)
    return given, [say.NO_METER()] if given else []
