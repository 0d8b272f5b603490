"""What the devices of a site can obey, from their point maps: the one answer for planner, controller and people.

A device that only measures is planned, overridden and scheduled in vain; whoever asks anything of an asset asks here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
)
from ems_pipeline.devices.installed import options
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites import Asset, Battery, Charger, DeferrableLoad, Device, Genset, HeatPump, PvArray, Site
from ems_pipeline.sites.protocol import PROTOCOLS

ASKED: Mapping[type[Asset], type[Command]] = {
    Battery: BatteryCommand,
    PvArray: BatteryCommand,  # a hybrid inverter carries both, and obeys once
    Charger: ChargerCommand,
    HeatPump: HeatPumpCommand,
    Genset: GensetCommand,
    DeferrableLoad: MachineCommand,
}
"""What an asset's device is told; an asset that is not here can be asked nothing."""


def deaf(site: Site) -> dict[str, str]:
    """Assets that could be asked something, and whose device will not obey: by key, why. The plan of a machine without
    one is advice.

    Raises:
        MapFileError: a device names a map that does not exist or is wrong.
    """
    asked = (a for a in site.assets if type(a) in ASKED and not (isinstance(a, DeferrableLoad) and a.device is None))
    found = ((asset.key, _why_deaf(site, asset)) for asset in asked)
    return {key: why for key, why in found if why}


def obedient(site: Site) -> list[str]:
    """Devices that obey anything; same errors as `deaf`."""
    return [device.key for device in site.devices if _taken(load_map(device.map))]


def steerable(site: Site) -> Site:
    """The site as far as a plan has a say in it; same errors as `deaf`.

    Batteries, chargers, heat pumps and gensets that do not obey are left out, arrays that do not are not curtailable.
    """
    left_out = deaf(site)

    def kept(keys: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(key for key in keys if key not in left_out)

    return site.model_copy(
        update={
            "pv": tuple(a.model_copy(update={"curtailable": a.curtailable and a.key not in left_out}) for a in site.pv),
            "batteries": tuple(b for b in site.batteries if b.key not in left_out),
            "chargers": tuple(c for c in site.chargers if c.key not in left_out),
            "heat_pumps": tuple(h for h in site.heat_pumps if h.key not in left_out),
            "gensets": tuple(g for g in site.gensets if g.key not in left_out),
            "fuses": tuple(f.model_copy(update={"chargers": kept(f.chargers)}) for f in site.fuses),
            "inverters": tuple(i.model_copy(update={"batteries": kept(i.batteries)}) for i in site.inverters),
        }
    )


def misfits(site: Site) -> Iterator[str]:
    """What a site file asks of its devices that their maps cannot give, each with its remedy; same errors as `deaf`."""
    for device in site.devices:
        point_map, gateway = load_map(device.map), site.gateway_of(device)
        found = options.faults(point_map, device.options, options.site_options(site, device))
        yield from (f"device {device.key!r}: {fault}" for fault in found)
        if point_map.driver not in FAMILIES:
            yield (
                f"device {device.key!r}: map {device.map} has the unknown driver {point_map.driver!r}; known: "
                f"{', '.join(sorted(FAMILIES))}"
            )
        if gateway.transport not in PROTOCOLS[point_map.protocol].transports:
            yield (
                f"device {device.key!r}: map {device.map} speaks {point_map.protocol}, gateway {gateway.key!r} "
                f"{gateway.transport}; put it behind a gateway of that transport"
            )
    yield from _crowded(site)
    yield from _claimed(site)
    yield from _stiff(site)
    yield from _polled(site)
    silent = deaf(site)
    for schedule in site.schedules:
        if schedule.asset in silent:
            yield (
                f"schedule {schedule.key!r} asks {schedule.asset!r}, {silent[schedule.asset]}; name a device that "
                "obeys, or remove the schedule"
            )


def warnings(site: Site) -> Iterator[str]:
    """What will not happen although the site file reads as if it did; same errors as `deaf`."""
    for key, why in deaf(site).items():
        yield f"nothing will obey for {key!r}, {why}; it is not steered"
    if site.control.enabled and not obedient(site):
        yield "control is enabled, and no device of the site obeys anything: all of them only measure"


def _crowded(site: Site) -> Iterator[str]:
    """Devices that several assets want for themselves: one command, one state of charge, one measurement for all."""
    silent = deaf(site)
    for device in site.devices:
        # A hybrid inverter carries any arrays beside its battery: they are curtailed together.
        told = [a for a in site.assets if a.device == device.key and a.key not in silent and type(a) in ASKED]
        alone = [a.key for a in told if not isinstance(a, PvArray)]
        if len(alone) > 1:
            yield (
                f"device {device.key!r} can be told one thing at a time and measures one whole, and {', '.join(alone)} "
                "all name it; write them as one with capacities and powers added, or name a device of its own for each"
            )


def _claimed(site: Site) -> Iterator[str]:
    """Connectors of one station that two devices name."""
    places: dict[tuple[str, str, float], str] = {}
    for device in site.devices:
        if PROTOCOLS[load_map(device.map).protocol].calls_in:
            station, connector = str(device.options.get("station", device.key)), device.options.get("connector", 1)
            other = places.setdefault((device.gateway, station, float(connector)), device.key)
            if other != device.key:
                yield (
                    f"device {device.key!r}: connector {connector:g} of station {station!r} is {other!r} already; give "
                    "each device a connector of its own"
                )


def _stiff(site: Site) -> Iterator[str]:
    """Chargers that are to change their phases and are not told by how many they charge."""
    for charger in site.chargers:
        device = next((d for d in site.devices if d.key == charger.device), None)
        family = FAMILIES.get(load_map(device.map).driver) if device is not None else None
        if charger.switches_phases and family is not None and not family.switches_phases:
            able = ", ".join(sorted(name for name, f in FAMILIES.items() if f.switches_phases))
            yield (
                f"charger {charger.key!r}: switches_phases, and a device of driver "
                f"{load_map(str(device and device.map)).driver!r} is never told its phases; remove it, or use one of "
                f"driver {able}"
            )


def _polled(site: Site) -> Iterator[str]:
    """Gateways that the poller of controllers has for itself, and that somebody else would ask, too."""
    for gateway in site.gateways:
        behind = [device for device in site.devices if device.gateway == gateway.key]
        ours = [device.key for device in behind if _is_polled(device)]
        others = [device.key for device in behind if not _is_polled(device)]
        if ours and others:
            yield (
                f"gateway {gateway.key!r}: {', '.join(ours)} is polled over one connection that stays open, and "
                f"{', '.join(others)} would need another; put it behind a gateway of its own"
            )
    for board in site.switchboards:
        if not _is_polled(site.device(board.device)):
            named = f"switchboard {board.key!r}: device {board.device!r}"
            yield f"{named} is no controller; name one of map smartgen-hgm9560"


def _is_polled(device: Device) -> bool:
    return PROTOCOLS[load_map(device.map).protocol].is_polled


def _why_deaf(site: Site, asset: Asset) -> str:
    device = next((d for d in site.devices if d.key == asset.device), None)
    if device is None:
        return "which has no device"
    point_map = load_map(device.map)
    if isinstance(asset, PvArray) and point_map.recipe is not None and not point_map.recipe.brings("pv_limit_w"):
        return f"whose device's map {device.map} has no pv_limit_w in its recipe"
    if ASKED[type(asset)] in _taken(point_map):
        return ""
    return f"whose device's map {device.map} only measures"


def _taken(point_map: PointMap) -> frozenset[type[Command]]:
    family = FAMILIES.get(point_map.driver)
    is_writable = any(point.writable for point in point_map.points)
    return family.taken(point_map) if family is not None and is_writable else frozenset()
