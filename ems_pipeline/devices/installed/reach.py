"""What set-points of a site can do at most, and to which hardware: an arm is given for this and for nothing wider.

Where each device answers, which asset it moves and how its map writes a point must be the same; limits and ranges may
become narrower without anybody being asked, never wider: a limit that is taken away while what it held back is still
there is the widest there is. Tariffs, names, how often a bus is asked and what a map only reads are nobody's risk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ems_pipeline.devices.installed.address import Maps, Wires, without_hash
from ems_pipeline.devices.points.map_content import POINT_PROSE
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.sites import Asset, Battery, Charger, Genset, HeatPump, PvArray, Site

Reach = Mapping[str, str | float]
"""What may be told, by name: text that must be the same, ceilings (``max ...``) and floors (``min ...``)."""
HARMLESS = frozenset({"gap_s"})
"""Options of a device that change how it is asked, not what it may be told."""
UNSAID = POINT_PROSE | {"name", "range", "quantity", "group", "optional", "settle_s", "expires_s"}
"""Of a point what its value is not written by; its range counts as a limit."""
WRITTEN_BY = {"driver", "protocol", "made_for", "largest", "rated_by"}
LINK_WRITTEN_BY = {"write_function", "write", "max_write"}
"""Of a map and its link, beside the points."""


def reach(site: Site, wires: Wires, maps: Maps) -> dict[str, str | float]:
    """The reach of a site whose devices answer at ``wires`` and are understood by ``maps`` (see `address.wires_of`)."""
    found: dict[str, str | float] = {f"device {device}": without_hash(wire) for device, wire in wires.items()}
    for device in site.devices:
        point_map = maps[device.map]
        found |= {f"{name} of {device.key}": value for name, value in _writing(point_map).items()}
        options = {name: value for name, value in device.options.items() if name not in HARMLESS}
        if options:
            found[f"options of {device.key}"] = json.dumps(options, sort_keys=True)
    found |= {"max import_limit_w": site.grid.import_limit_w, "max export_limit_w": site.grid.export_limit_w}
    for fuse in site.fuses:
        found[f"chargers behind {fuse.key}"] = ", ".join(sorted(fuse.chargers))
        found[f"max limit_w of {fuse.key}"] = fuse.limit_w
    found |= {f"max ac_limit_w of {inverter.key}": inverter.ac_limit_w for inverter in site.inverters}
    for asset in site.assets:
        if asset.device is not None:
            found[f"{asset.key} moves"] = asset.device
            found |= {f"{name} of {asset.key}": value for name, value in _limits(asset)}
    return found


def wider(given: Reach, now: Reach) -> list[str]:
    """Where the reach goes beyond what an arm was given for; in words, empty when nowhere."""
    if given == now:  # asked before every request that sets something, and nearly always so
        return []
    return [
        f"{name}: {given[name]} when armed, {value} now" if name in given else f"{name}: {value} is new"
        for name, value in now.items()
        if not _covers(name, given.get(name), value)
    ] + [
        f"{name}: {value} when armed, none now"
        for name, value in given.items()
        if name not in now and _is_missed(name, given, now)
    ]


def _covers(name: str, given: str | float | None, value: str | float) -> bool:
    if isinstance(value, str) or not isinstance(given, int | float):
        return given == value
    return given <= value if name.startswith("min ") else value <= given


def _is_missed(name: str, given: Reach, now: Reach) -> bool:
    """Whether what a limit or an option held back, and no longer does, is still there."""
    kind, _, rest = name.partition(" ")
    what, _, whose = rest.rpartition(" of ")
    if kind == "options":
        return f"device {name.removeprefix('options of ')}" in now
    if kind not in ("max", "min"):
        return False
    if (point := f"point {what} of {whose}") in given:
        return point in now
    if (fused := f"chargers behind {whose}") in given:
        return any(f"{charger} moves" in now for charger in str(given[fused]).split(", "))
    return (moves := f"{whose} moves") in now or moves not in given


@once_per_map
def _writing(point_map: PointMap) -> Mapping[str, str | float]:
    """How a map's points are written, and between which values; of one by which nothing is told, nothing."""
    points = [p for p in point_map.points if p.writable]
    if not points:
        return {}
    by = point_map.model_dump(mode="json", include=WRITTEN_BY)
    by |= point_map.link.model_dump(mode="json", include=LINK_WRITTEN_BY)
    by |= {} if point_map.recipe is None else {"recipe": point_map.recipe.model_dump(mode="json")}
    found: dict[str, str | float] = {"map": json.dumps(by, sort_keys=True)}
    for point in points:
        how = point.model_dump(mode="json", exclude=UNSAID, exclude_defaults=True)
        found[f"point {point.name}"] = json.dumps(how, sort_keys=True)
        if point.range is not None:
            found[f"min {point.name}"], found[f"max {point.name}"] = point.range
    return found


def _limits(asset: Asset) -> Iterator[tuple[str, str | float]]:
    match asset:
        case Battery():
            yield "max charge_limit_w", asset.charge_limit_w
            yield "max discharge_limit_w", asset.discharge_limit_w
            yield "max max_soc_pct", asset.max_soc_pct
            yield "min min_soc_pct", asset.min_soc_pct
            yield "min reserve_soc_pct", asset.reserve_soc_pct
        case PvArray():
            yield "max power_w", asset.inverter_limit_w or asset.peak_power_w
        case Charger():
            yield "max max_current_a", asset.max_current_a
            yield "max phases", asset.phases
            yield "max voltage_v", asset.voltage_v
            if asset.switches_phases:
                yield "switches_phases", "may be told one phase"
            yield "min min_current_a", asset.min_current_a
        case HeatPump():
            yield "max max_power_w", asset.max_power_w
            yield "max flow_temp_c", asset.flow_temp_c
            yield "min comfort_min_c", asset.house.comfort_min_c
            yield "max comfort_max_c", asset.house.comfort_max_c
        case Genset():
            yield "max max_power_w", asset.max_power_w
            yield "max startable", float(not asset.locked_out)
