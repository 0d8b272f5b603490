"""The site's vocabulary: names, units and meanings that every device speaks once its driver has converted.

A point map says `quantity: grid_power_w` and the rest of the system never learns which register that was. Add a name
here when a consumer (planner, controller, audit, heat model) needs it from more than one kind of device; everything
else a device can say keeps the point's own name.

Signs are those of `ems_pipeline.units`: grid > 0 import, battery > 0 discharge, consumers > 0 when they draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class EvStatus(IntEnum):
    """What a charger sees on its control pilot: the vehicle states A to F of IEC 61851-1, Annex A."""

    NOT_CONNECTED = 0
    CONNECTED = 1
    CHARGING = 2
    CHARGING_VENTILATED = 3
    NO_POWER = 4
    FAULT = 5


PLUGGED_IN = frozenset({EvStatus.CONNECTED, EvStatus.CHARGING, EvStatus.CHARGING_VENTILATED})


class SgReadyState(IntEnum):
    """The four states of the SG Ready label, numbered as the label does."""

    BLOCKED = 1
    NORMAL = 2
    RECOMMENDED = 3
    FORCED = 4


@dataclass(frozen=True, slots=True)
class Quantity:
    """Unit and meaning of a canonical name."""

    unit: str
    meaning: str


FAULT = "fault"
"""What a device says about itself; `told_by` of its map."""
DEMAND_LIMITED, DEMAND_LIMIT = "demand_limited", "demand_limit_w"
"""A contact, or a number."""
QUANTITIES: dict[str, Quantity] = {
    "grid_power_w": Quantity("W", "power through the grid connection, > 0 import"),
    "grid_import_wh": Quantity("Wh", "counter of energy bought"),
    "grid_export_wh": Quantity("Wh", "counter of energy fed in"),
    "pv_power_w": Quantity("W", "power of all PV strings of the device"),
    "pv_energy_wh": Quantity("Wh", "counter of PV energy"),
    "battery_power_w": Quantity("W", "battery power, > 0 discharge"),
    "battery_soc_pct": Quantity("%", "state of charge as the battery says"),
    "battery_voltage_v": Quantity("V", "voltage at the battery's terminals"),
    "battery_temp_c": Quantity("°C", "cell or pack temperature"),
    "battery_charge_wh": Quantity("Wh", "counter of energy charged"),
    "battery_discharge_wh": Quantity("Wh", "counter of energy discharged"),
    "battery_mode": Quantity(
        "", "mode a battery says it is in: 0 auto, 1 AI, 2 manual slots, 3 a power it was told, 4 backup"
    ),
    "battery_capacity_wh": Quantity("Wh", "what the battery can hold, as it says"),
    "battery_remaining_wh": Quantity("Wh", "what is in the battery, as it says"),
    "ongrid_power_w": Quantity("W", "power at the grid port of a device, > 0 it feeds the house"),
    "offgrid_power_w": Quantity("W", "power a device gives at its backup socket"),
    "load_power_w": Quantity("W", "all consumers behind the device, planned ones included"),
    "load_energy_wh": Quantity("Wh", "counter of energy consumed behind the device"),
    "grid_frequency_hz": Quantity("Hz", "frequency at the grid connection"),
    "ev_power_w": Quantity("W", "power a charger delivers"),
    "ev_status": Quantity("", "control pilot state, see EvStatus"),
    "ev_current_limit_a": Quantity("A", "current per phase the charger offers; 0 = paused"),
    "session_energy_wh": Quantity("Wh", "energy of the running charging session"),
    "session_duration_s": Quantity("s", "duration of the running charging session"),
    "flow_temp_c": Quantity("°C", "water leaving the heat pump"),
    "return_temp_c": Quantity("°C", "water coming back to the heat pump"),
    "flow_setpoint_c": Quantity("°C", "wanted temperature of the water leaving the heat pump"),
    "flow_rate_l_min": Quantity("l/min", "water through the heat pump"),
    "outdoor_temp_c": Quantity("°C", "air temperature outside"),
    "indoor_temp_c": Quantity("°C", "room temperature"),
    "dhw_temp_c": Quantity("°C", "domestic hot water tank"),
    "dhw_setpoint_c": Quantity("°C", "wanted temperature of the domestic hot water tank"),
    "compressor_frequency_hz": Quantity("Hz", "compressor speed, 0 = standing"),
    "defrost": Quantity("", "1 while the outdoor unit defrosts"),
    "heat_pump_power_w": Quantity("W", "electric power of the heat pump"),
    "heat_pump_energy_wh": Quantity("Wh", "counter of the heat pump's electric energy"),
    "heat_pump_mode": Quantity("", "SG Ready state asked of the heat pump, see SgReadyState"),
    "genset_power_w": Quantity("W", "power of a generating set"),
    "genset_energy_wh": Quantity("Wh", "counter of a generating set's energy"),
    "genset_run_hours": Quantity("h", "hours a generating set has run, as its controller counts them"),
    "machine_power_w": Quantity("W", "power of a machine that is switched as a whole"),
    "machine_energy_wh": Quantity("Wh", "counter of that machine's energy"),
    FAULT: Quantity("", "faults the device itself names; the reason of the reading has its words"),
    DEMAND_LIMITED: Quantity("", "1 while the grid's operator asks what is controllable to draw less, 0 while not"),
    DEMAND_LIMIT: Quantity("W", "what the operator lets what is controllable draw together"),
    "house_power_w": Quantity("W", "the house without its planned devices"),
}
