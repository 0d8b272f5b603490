"""`make devices`: the table of all devices in docs/devices.md, as maps and drivers say it of themselves.

Read, steer, proof and what happens in silence follow from the map and from how its family obeys; `tried` is a field of
the map.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    MachineCommand,
    SignalCommand,
)
from ems_pipeline.devices.points.map_file import known_maps, load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.families import FAMILIES
from ems_pipeline.sites.modes import BatteryMode, HeatPumpMode, MachineMode
from ems_pipeline_tests.conftest import ROOT

PAGE = ROOT / "docs" / "devices.md"
BEGIN, END = "<!-- make devices -->\n", "<!-- end -->\n"
HEAD = (
    "| map | read | steer | proof by effect | when we vanish | tried against |\n"
    "|---|---|---|---|---|---|\n"
)  # fmt: skip
PARTS = {
    "grid": "grid", "pv": "PV", "battery": "battery", "ongrid": "grid port", "offgrid": "backup socket",
    "load": "load", "ev": "car", "session": "car", "machine": "machine", "house": "house", "genset": "genset",
    "fault": "faults", "demand": "a grid operator's limit",
}  # fmt: skip
"""First word of a quantity -> what it is of; all else is of a heat pump."""
KINDS = {
    "w": "power", "wh": "energy", "pct": "charge", "c": "temperature", "hz": "frequency", "v": "voltage",
    "a": "current", "s": "duration", "min": "flow",
}  # fmt: skip
"""Its unit -> what is measured; without one it is a state."""
PROOF: Mapping[type[Command], str] = {
    BatteryCommand: "battery_power_w", ChargerCommand: "ev_power_w", HeatPumpCommand: "heat_pump_power_w",
    MachineCommand: "machine_power_w", GensetCommand: "genset_power_w",
}  # fmt: skip
"""What `control.effect` looks at, by what is told."""


def table() -> str:
    """The table, a row for each shipped map."""
    return HEAD + "".join(f"| {' | '.join(row(load_map(name, {})))} |\n" for name in known_maps({}))


def row(point_map: PointMap) -> tuple[str, ...]:
    """Cells of a map."""
    told = FAMILIES[point_map.driver].taken(point_map) if any(p.writable for p in point_map.points) else frozenset()
    commands = sorted(told, key=lambda one: one.__name__)
    steer = "; ".join(_steered(point_map, one) for one in commands) or "nothing"
    return (
        f"`{point_map.map}`",
        _read(point_map),
        steer,
        _proof(point_map, commands),
        _silence(point_map),
        point_map.tried,
    )


def _read(point_map: PointMap) -> str:
    found: dict[str, dict[str, None]] = {}
    for name in [p.quantity for p in point_map.points if p.readable and p.quantity] + list(point_map.derived):
        first, last = name.partition("_")[0], name.rpartition("_")[2]
        kinds = found.setdefault(PARTS.get(first, "heat pump"), {})
        if first != "fault":
            kinds[KINDS.get(last, "state")] = None
    named = [f"{part} ({', '.join(kinds)})" if kinds else part for part, kinds in found.items()]
    others = [p for p in point_map.points if p.readable and not p.quantity]
    return ", ".join(named) or (f"{len(others)} points of its own" if others else "nothing")


def _steered(point_map: PointMap, command: type[Command]) -> str:
    modes = point_map.recipe.modes if point_map.recipe is not None else None
    if command is BatteryCommand:
        return f"battery: {_modes(modes or [m.value for m in BatteryMode])}"
    if command is ChargerCommand:
        return "current, phases" if FAMILIES[point_map.driver].switches_phases else "current"
    if command is HeatPumpCommand:
        return f"heat pump: {_modes(modes or [m.value for m in HeatPumpMode])}"
    if command is MachineCommand:
        return f"machine: {_modes(modes or [m.value for m in MachineMode])}"
    if command is GensetCommand:
        return "genset: a power until an end"
    assert command is SignalCommand
    return "signals of the plan"


def _modes(names: Iterable[str]) -> str:
    return ", ".join(names)


def _proof(point_map: PointMap, commands: Iterable[type[Command]]) -> str:
    return "; ".join(dict.fromkeys(_proofs(point_map, commands))) or "-"


def _proofs(point_map: PointMap, commands: Iterable[type[Command]]) -> Iterator[str]:
    measured = {p.quantity for p in point_map.points if p.readable} | point_map.derived.keys()
    writable = [p for p in point_map.points if p.writable]
    if commands and all(p.readable for p in writable):
        yield "read back"
    elif commands:
        yield f"{', '.join(f'`{p.name}`' for p in writable if p.readable)} read back"
    for command in commands:
        if command in PROOF:
            name = PROOF[command]
            yield f"`{name}`" if name in measured else f"`{name}` of another meter"


def _silence(point_map: PointMap) -> str:
    """The first sentence of what the map says at length."""
    return point_map.silence.partition(". ")[0].rstrip(".").replace("\n", " ")


def main() -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
