"""What a grid operator asks of chargers, heat pumps and batteries: that together they draw no more than a limit.

Pure. It stands above plan and people. The house does not count, and a surplus of the sun may be used beside the limit.
Heat pumps are served first, then chargers in the order of the site file, then grid charging of batteries. An input that
nobody can read counts as asked, unless the site file says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ems_pipeline.control.grid_limit import PUSHED, charge_within, charger_within
from ems_pipeline.control.live import Live
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, Command, HeatPumpCommand
from ems_pipeline.devices.points.quantities import DEMAND_LIMIT, DEMAND_LIMITED
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.sites import Asset, Battery, Charger, DemandInput, HeatPump, Site
from ems_pipeline.sites.demand import least_w
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode


@dataclass(frozen=True)
class Demand:
    """What holds by an input now: so much for its assets together, and in whose words."""

    limit_w: float
    assets: tuple[Asset, ...]
    text: str


def asked(site: Site, one: DemandInput, live: Live) -> Demand | None:
    """What an input asks now; None: nothing."""
    assets = members(site, one)
    limit_w = one.limit_w if one.limit_w is not None else formula_w(assets)
    contact, told_w = live.of(one.device, DEMAND_LIMITED), live.of(one.device, DEMAND_LIMIT)
    if contact is None and told_w is None:
        if one.when_unreadable == "ignore":
            return None
        return Demand(limit_w, assets, say.UNREADABLE(input=one.key, most=f"{limit_w:.0f} W"))
    if contact == 0:
        return None
    if told_w is not None:
        return Demand(told_w, assets, say.ASKS(input=one.key, most=f"{told_w:.0f} W"))
    return Demand(limit_w, assets, say.ASKS(input=one.key, most=f"{limit_w:.0f} W"))


def members(site: Site, one: DemandInput) -> tuple[Asset, ...]:
    """The assets that an input is about, in the order in which they are served."""
    every: tuple[Asset, ...] = (*site.heat_pumps, *site.chargers, *site.batteries)
    return tuple(a for a in every if not one.assets or a.key in one.assets)


def formula_w(assets: tuple[Asset, ...]) -> float:
    """What section 14a leaves to them together, W."""
    heat_w = sum(a.max_power_w for a in assets if isinstance(a, HeatPump))
    return least_w([_draw_w(a) for a in assets], heat_w)


def dimmed(site: Site, commands: Mapping[str, Command | None], live: Live) -> tuple[dict[str, Command], list[str]]:
    """Commands that change because an input asks, and by whose words; a device that is left to itself gets one."""
    given: dict[str, Command] = {}
    notes = []
    for one in site.demand_inputs:
        found = asked(site, one, live)
        if found is None:
            continue
        changes = _within(found, {**commands, **given}, live)
        notes += [found.text] if changes else []
        given |= changes
    return given, notes


def _within(found: Demand, commands: Mapping[str, Command | None], live: Live) -> dict[str, Command]:
    left_w = found.limit_w + _surplus_w(found.assets, live)
    given: dict[str, Command] = {}
    for asset in (a for a in found.assets if a.device is not None):
        device = str(asset.device)
        draw_w, less = _asset_within(asset, device, commands.get(device), left_w)
        left_w -= draw_w
        if less is not None and less != commands.get(device):
            given[device] = less
    return given


def _asset_within(asset: Asset, device: str, command: Command | None, left_w: float) -> tuple[float, Command | None]:
    """What an asset may draw of what is left, W, and its command where it has to change."""
    match asset:
        case HeatPump():
            if asset.max_power_w > left_w:
                return 0.0, HeatPumpCommand(device, HeatPumpMode.BLOCKED)
            pushed = isinstance(command, HeatPumpCommand) and command.mode in PUSHED
            return asset.max_power_w, HeatPumpCommand(device, HeatPumpMode.NORMAL) if pushed else None
        case Charger():
            full = ChargerCommand(device, ChargerMode.CHARGE, asset.max_current_a, asset.phases)
            draw_w, less = charger_within(asset, command or full, left_w)
            return draw_w, less
        case Battery() if isinstance(command, BatteryCommand) and command.mode is BatteryMode.CHARGE:
            limit_w = asset.charge_limit_w if command.charge_limit_w is None else command.charge_limit_w
            return min(limit_w, max(left_w, 0.0)), charge_within(command, left_w) if limit_w > left_w else None
    return 0.0, None


def _surplus_w(assets: tuple[Asset, ...], live: Live) -> float:
    """What the site makes beyond what the rest of it draws now, W >= 0; unknown is none."""
    base_w = live.base_w
    if base_w is None:
        return 0.0
    heat_w = sum(live.heat_pump_w(a.device) or 0.0 for a in assets if isinstance(a, HeatPump))
    return max(0.0, heat_w - base_w)


def _draw_w(asset: Asset) -> float:
    match asset:
        case HeatPump() | Charger():
            return asset.max_power_w
        case Battery():
            return asset.charge_limit_w
    return 0.0
