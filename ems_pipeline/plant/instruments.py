"""What instruments at a device would read: the world's state in the site's vocabulary of quantities."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ems_pipeline.plant.world import World

NOMINAL_FREQUENCY_HZ = 50.0
CELL_TEMP_C = 22.0
TANK_C, TANK_WISH_C = 47.5, 48.0
"""Where the site file names no tank, its sensors show one at rest."""


def quantities(world: World, device: str) -> dict[str, float]:
    """Canonical quantities a device can measure, by name; what no part of the site has is absent.

    A device named by an asset sees that asset; any other (a home controller, a meter) sees the site's first of a kind.
    """
    return {name: value for part in PARTS for name, value in part(world, device).items()}


def parts_with(world: World, device: str, wanted: Collection[str]) -> list[Part]:
    """The parts that together tell the ``wanted`` quantities: for whoever samples often."""
    return [part for part in PARTS if not part(world, device).keys().isdisjoint(wanted)]


def _connection(world: World, _: str) -> dict[str, float]:
    flows, counters = world.flows, world.counters
    load_w = flows.load_w + flows.ev_w + flows.heat_pump_w
    return {
        "grid_power_w": flows.grid_w,
        "grid_import_wh": counters.import_wh,
        "grid_export_wh": counters.export_wh,
        "load_power_w": load_w,
        "load_energy_wh": counters.consumed_wh,
        "house_power_w": flows.load_w,
        "grid_frequency_hz": NOMINAL_FREQUENCY_HZ + 0.02 * ((load_w % 7) / 7 - 0.5),
    }


def _inverter(world: World, device: str) -> dict[str, float]:
    hybrid = world.hybrids.get(device) or next(iter(world.hybrids.values()), None)
    if hybrid is None:
        return {}
    found = {"pv_power_w": hybrid.pv_w, "pv_energy_wh": hybrid.pv_wh} if hybrid.arrays else {}
    if hybrid.cells is not None:
        found |= {
            "battery_power_w": hybrid.battery_w,
            "battery_soc_pct": hybrid.cells.soc_pct,
            "battery_voltage_v": hybrid.limits.voltage_v,
            "battery_temp_c": CELL_TEMP_C,
            "battery_charge_wh": hybrid.charge_wh,
            "battery_discharge_wh": hybrid.discharge_wh,
        }
    return found


def _charging(world: World, device: str) -> dict[str, float]:
    boxes = list(world.chargings.values())
    box = next((b for b in boxes if b.charger.device == device), next(iter(boxes), None))
    if box is None:
        return {}
    return {
        "ev_power_w": box.power_w,
        "ev_status": float(box.status),
        "ev_current_limit_a": box.limit_a,
        "session_energy_wh": box.delivered_wh,
        "session_duration_s": box.plugged_s,
    }


def _heat_pump(world: World, device: str) -> dict[str, float]:
    units = list(world.heatings.values())
    unit = next((h for h in units if h.pump.device == device), next(iter(units), None))
    if unit is None:
        return {}
    return {
        "flow_temp_c": unit.flow_c,
        "return_temp_c": unit.return_c,
        "flow_rate_l_min": unit.flow_rate_l_min,
        "flow_setpoint_c": unit.flow_setpoint_c,
        "outdoor_temp_c": unit.outdoor_c,
        "indoor_temp_c": unit.indoor_c,
        "dhw_temp_c": unit.tank.temp_c if unit.tank is not None else TANK_C,
        "dhw_setpoint_c": unit.tank.wish_c if unit.tank is not None else TANK_WISH_C,
        "compressor_frequency_hz": unit.compressor_hz,
        "defrost": float(unit.defrosting),
        "heat_pump_power_w": unit.power_w,
        "heat_pump_energy_wh": world.counters.heat_pump_wh,
    }


def _machine(world: World, device: str) -> dict[str, float]:
    return {"machine_power_w": world.switched_w[device]} if device in world.switched_w else {}


def _genset(world: World, device: str) -> dict[str, float]:
    genset = world.hall.sets.get(device) if world.hall is not None else None
    if genset is None:
        return {}
    running = genset.running
    return {
        "genset_power_w": genset.power_w,
        "genset_energy_wh": running.energy_wh,
        "genset_run_hours": running.run_s / 3600,
    }


Part = Callable[[World, str], dict[str, float]]
PARTS: tuple[Part, ...] = (_connection, _inverter, _charging, _heat_pump, _machine, _genset)
