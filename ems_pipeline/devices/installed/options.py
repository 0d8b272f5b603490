"""What a site file may say about one device beside its map: the `options` of a device, each with the values it takes.

Drivers take them as they stand, so what is no such value is refused where the site file is read, and so is what would
widen a limit that a part of the site or the map states. Add an option here and where it is used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.point import SITE_LIMITS
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plain_text import nearest
from ems_pipeline.sites import Device, Site
from ems_pipeline.sites.protocol import PROTOCOLS

NUMBERS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(SITE_LIMITS, (0.0, 1e7)),
    "gap_s": (0.0, 5.0),
    "counter_scale": (1e-6, 1e6),
    "rated_power_w": (100.0, 1e7),
    "connection_w": (100.0, 1e8),
    "ct_ratio": (1.0, 1e5),
    "flow_temp_c": (15.0, 80.0),
    "frost_c": (-40.0, 30.0),
    "max_age_s": (10.0, 86_400.0),
    "safe_current_a": (0.0, 80.0),
    "switch_pause_s": (0.0, 600.0),
}
"""Numbers by name, lowest and highest."""
WHOLE: Mapping[str, tuple[int, int]] = {
    "base_address": (0, 65_535), "phases": (1, 3), "limit_control": (1, 2), "connector": (1, 20),
    "phase_to_use": (1, 3),
}  # fmt: skip
"""`limit_control` 0 would sell from the battery in every mode."""
SWITCHES = frozenset({"frequency_control", "tx_profile", "composite_schedule", "remote_start"})
TEXTS = frozenset({"id_tags", "station", "controller_map"})
"""A name, or a list of names that are separated by commas."""
CHOICES: Mapping[str, tuple[str, ...]] = {"start_by": ("auto", "manual")}
"""One of some words. `start_by`: who owns the start of a set, its controller's AUTO or we by hand; never both."""
FLOORS = frozenset({"min_soc_pct", "export_forbidden"})
CEILINGS = frozenset({*SITE_LIMITS, "flow_temp_c"}) - FLOORS - {"max_power_w"}
FACTS = frozenset({"max_power_w", "phases"})
"""What a part is, not how far it may go: a rating that is said too low makes a share of it too large."""
WHOLE_REQUEST = "{path}"
"""Form of a link whose points say the whole request, not the name of an object that is put into one."""
NAMED_BY_SITE = 'grid_power_w: sensor.grid_power, or "sensor.grid_import - sensor.grid_export"'
SHOWN = 60
Options = Mapping[str, float | str | bool]


def stated(site: Site, device: Device) -> dict[str, float | str | bool]:
    """What holds for a device: its own `options`, and the limits of the parts it drives; of two limits the stricter."""
    parts, own = site_options(site, device), device.options
    both = {name: _stricter(name, parts[name], own[name]) for name in parts.keys() & own.keys()}
    return {**parts, **own, **both}


def site_options(site: Site, device: Device) -> dict[str, float | str | bool]:
    """What the site file says about the parts that this device drives."""
    options: dict[str, float | str | bool] = {"connection_w": max(site.grid.import_limit_w, site.grid.export_limit_w)}
    if batteries := [b for b in site.batteries if b.device == device.key]:
        options["charge_limit_w"] = sum(b.charge_limit_w for b in batteries)
        options["discharge_limit_w"] = sum(b.discharge_limit_w for b in batteries)
        # The floor a device keeps by itself is the reserve: in self-use it would else give away what the plan keeps.
        options["min_soc_pct"] = max(b.reserve_soc_pct for b in batteries)
        options["export_limit_w"] = site.grid.export_limit_w
        fleet = next((f for f in site.fleets if batteries[0].key in f.batteries), None)
        options["meter_share"] = 1.0 / len(fleet.batteries) if fleet is not None else 1.0
        options |= {"export_allowed": float(site.grid.export_limit_w > 0)}
        options |= {"export_forbidden": float(site.grid.export_limit_w <= 0)}
    if arrays := [a for a in site.pv if a.device == device.key]:
        options["pv_limit_w"] = sum(a.inverter_limit_w or a.peak_power_w for a in arrays)
    for charger in (c for c in site.chargers if c.device == device.key):
        options |= {"max_current_a": charger.max_current_a, "phases": charger.phases}
        options |= {"switches_phases": True} if charger.switches_phases else {}
    for pump in (h for h in site.heat_pumps if h.device == device.key):
        options |= {"flow_temp_c": pump.flow_temp_c, "max_power_w": pump.max_power_w}
    return options


def _stricter(name: str, part: float | str | bool, own: float | str | bool) -> float | str | bool:
    """Of what a part states and what the device's own option says; what a part is stands, however it is named."""
    if name in FACTS:
        return part
    if name in CEILINGS:
        return min(float(part), float(own))
    return max(float(part), float(own)) if name in FLOORS else own


def faults(point_map: PointMap, options: Options, parts: Options | None = None) -> Iterator[str]:
    """What is wrong with the options of a device with this map, each with its remedy.

    Args:
        parts: what the site file says about the parts of the device, see `site_options`.
    """
    paths = point_map.by_name.keys() if PROTOCOLS[point_map.protocol].place_by_option else frozenset[str]()
    for name, value in options.items():
        if name in NUMBERS or name in WHOLE:
            wrong = list(_number(name, value))
            yield from wrong or _wider(point_map, name, float(value), parts or {})
        elif name in SWITCHES:
            yield from [] if isinstance(value, bool) else [f"option {name}: {value!r} is neither true nor false"]
        elif name in TEXTS:
            yield from [] if isinstance(value, str) else [f"option {name}: {value!r} is no text; put it into quotes"]
        elif name in CHOICES:
            words = " or ".join(CHOICES[name])
            yield from [] if value in CHOICES[name] else [f"option {name}: {value!r} is not {words}; write one"]
        elif name in paths:
            yield from _path(point_map, name, value)
        else:
            known = [*NUMBERS, *WHOLE, *SWITCHES, *TEXTS, *CHOICES, *paths]
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(known))}"
            yield f"option {name!r} is unknown to map {point_map.map}; {hint}"
    if PROTOCOLS[point_map.protocol].may_lack_place and not growth.named(point_map, options).points:
        yield f"map {point_map.map} names nothing of its own; give options such as {NAMED_BY_SITE}"
    for name, value in (parts or {}).items():
        yield from (f"{name}{fault}" for fault in _beyond_map(point_map, name, float(value)))


def _wider(point_map: PointMap, name: str, value: float, parts: Options) -> Iterator[str]:
    """An option may make a limit narrower; beyond what the part or the map allows it is refused."""
    part = parts.get(name)
    if part is None:
        yield from (f"option {name}{fault}" for fault in _beyond_map(point_map, name, value))
        return
    if name in CEILINGS | FLOORS | FACTS and _stricter(name, part, value) != value:
        beyond = "not" if name in FACTS else "above" if name in CEILINGS else "below"
        yield (
            f"option {name}: {value:g} is {beyond} what the site file says of the part behind the device, "
            f"{float(part):g}; remove the option, or change the part"
        )


def _beyond_map(point_map: PointMap, name: str, value: float) -> Iterator[str]:
    for point in point_map.points:
        if point.range is None or point.grows or point.site_per:
            continue
        low, high = point.range
        if point.site_most == name and value > high:
            yield f": {value:g} is above what map {point_map.map} allows, {high:g} {point.unit}; lower it"
        if point.site_least == name and value < low:
            yield f": {value:g} is below what map {point_map.map} allows, {low:g} {point.unit}; raise it"


def _path(point_map: PointMap, name: str, value: float | str | bool) -> Iterator[str]:
    if not isinstance(value, str) or not value:
        yield f"option {name}: {value!r} is no path; put it into quotes"
        return
    form = PROTOCOLS[point_map.protocol].place_form
    if form is not None:
        if not re.fullmatch(form, value):
            yield f"option {name}: {value[:SHOWN]!r} is no name of its kind; write {NAMED_BY_SITE}"
        return
    resource = str(point_map.point(name).path).partition("?")[0]
    if point_map.link.request == WHOLE_REQUEST and value.partition("?")[0] != resource:
        yield f"option {name}: {value!r} asks for something else than the map does; keep {resource!r}, or write a map"


def _number(name: str, value: float | str | bool) -> Iterator[str]:
    low, high = NUMBERS.get(name) or WHOLE[name]
    is_number = not isinstance(value, bool | str) and math.isfinite(value)
    if not is_number or not low <= float(value) <= high or (name in WHOLE and float(value) % 1):
        kind = "whole number" if name in WHOLE else "number"
        yield f"option {name}: {value!r} is no {kind} from {low:g} to {high:g}; write one, without unit or quotes"
