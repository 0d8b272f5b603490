"""What the alarms of the controllers are called in English, and how grave they are. Czech: the pages' catalogue.

The names are those of the controllers' maps; one that stands not here (an owner's own map) is told by its name.
"""

from __future__ import annotations

from ems_pipeline.gensets.alarms.alarm import Condition
from ems_pipeline.gensets.states import AlarmGroup

GROUPS = {
    AlarmGroup.SHUTDOWN: "shutdown",
    AlarmGroup.TRIP_STOP: "trip and stop",
    AlarmGroup.SAFETY_TRIP_STOP: "safety trip and stop",
    AlarmGroup.TRIP: "trip",
    AlarmGroup.SAFETY_TRIP: "safety trip",
    AlarmGroup.MAINS_TRIP: "mains trip",
    AlarmGroup.BLOCK: "start blocked",
    AlarmGroup.WARNING: "warning",
}
TITLES = {
    "emergency_stop": "Emergency stop",
    "overspeed": "Overspeed",
    "underspeed": "Underspeed",
    "speed_signal_lost": "Speed signal lost",
    "gen_overfrequency": "Generator frequency too high",
    "gen_underfrequency": "Generator frequency too low",
    "gen_overvoltage": "Generator voltage too high",
    "gen_undervoltage": "Generator voltage too low",
    "crank_failure": "The engine did not start",
    "overcurrent": "Generator current too high",
    "current_imbalance": "Generator currents unequal",
    "earth_fault": "Earth fault",
    "reverse_power": "Reverse power",
    "over_power": "Too much power",
    "loss_of_excitation": "Loss of excitation",
    "ecu_comm_failure": "The engine's computer is not heard",
    "ecu_alarm": "The engine's computer reports an alarm",
    "high_temperature_input": "High temperature (input)",
    "low_oil_pressure_input": "Low oil pressure (input)",
    "msc_id_error": "Two controllers have the same number",
    "voltage_bus_error": "Busbar voltage error",
    "gen_phase_sequence": "Generator phase sequence wrong",
    "bus_phase_sequence": "Busbar phase sequence wrong",
    "temperature_sensor_open": "Temperature sensor open",
    "high_temperature": "Engine temperature too high",
    "low_temperature": "Engine temperature too low",
    "temperature_sensor_error": "Temperature sensor error",
    "oil_sensor_open": "Oil pressure sensor open",
    "high_oil_pressure": "Oil pressure too high",
    "low_oil_pressure": "Oil pressure too low",
    "oil_sensor_error": "Oil pressure sensor error",
    "fuel_sensor_open": "Fuel level sensor open",
    "high_fuel": "Fuel level too high",
    "low_fuel": "Fuel level too low",
    "fuel_sensor_error": "Fuel level sensor error",
    "aux1_open": "Sensor 1 open",
    "aux1_high": "Sensor 1 too high",
    "aux1_low": "Sensor 1 too low",
    "aux1_error": "Sensor 1 error",
    "aux2_open": "Sensor 2 open",
    "aux2_high": "Sensor 2 too high",
    "aux2_low": "Sensor 2 too low",
    "aux2_error": "Sensor 2 error",
    "stop_failure": "The engine did not stop",
    "charging_failure": "The battery is not charged",
    "battery_overvoltage": "Battery voltage too high",
    "battery_undervoltage": "Battery voltage too low",
    "sync_failure": "Synchronising failed",
    "governor_limit": "Governor at its limit",
    "avr_limit": "Voltage regulator at its limit",
    "insufficient_capacity": "Not enough capacity",
    "voltage_out_of_sync": "Voltage out of step",
    "frequency_out_of_sync": "Frequency out of step",
    "phase_out_of_sync": "Phase out of step",
    "mains_breaker_failure": "Mains switch at fault",
    "gen_breaker_failure": "Generator switch at fault",
    "mains_close_failure": "The mains switch did not close",
    "gen_close_failure": "The generator switch did not close",
    "mains_open_failure": "The mains switch did not open",
    "gen_open_failure": "The generator switch did not open",
    "mains_overfrequency": "Mains frequency too high",
    "mains_underfrequency": "Mains frequency too low",
    "mains_overvoltage": "Mains voltage too high",
    "mains_undervoltage": "Mains voltage too low",
    "mains_rocof": "Mains frequency changes too fast",
    "mains_vector_shift": "Mains vector shift",
    "large_frequency_difference": "Large frequency difference",
    "few_msc_members": "Too few controllers on the bus",
    "maintenance_due": "Maintenance due",
    "maintenance_1_due": "Maintenance 1 due",
    "maintenance_2_due": "Maintenance 2 due",
    "maintenance_3_due": "Maintenance 3 due",
    "low_water": "Coolant level too low",
    "detonation": "Detonation",
    "gas_leak": "Gas leak",
    "fire": "Fire",
    "gen_reverse_sequence": "Generator phases reversed",
    "gen_phase_loss": "Generator phase lost",
    "msc1_comm_failure": "Controller bus 1 is not heard",
    "msc2_comm_failure": "Controller bus 2 is not heard",
    **{f"input_{number}": f"Input {number}" for number in range(1, 9)},
    "mains_overcurrent_1": "Mains current too high (1)",
    "mains_overcurrent_2": "Mains current too high (2)",
    "mains_transfer_failure": "The mains switch did not change over",
    "gen_transfer_failure": "The generator switch did not change over",
    "power_limit_active": "Mains output power is limited",
    "power_limit": "Mains power limit",
    "mains_abnormal": "Mains abnormal",
    "mains_phase_loss": "Mains phase lost",
    "mains_reverse_sequence": "Mains phases reversed",
    "mains_blackout": "Mains blackout",
    "link_lost": "The controller is not heard",
    "road_lost": "None of the site's controllers is heard",
    "coolant_c_high": "Coolant too hot",
    "coolant_c_low": "Coolant too cold",
    "oil_kpa_high": "Oil pressure above our limit",
    "oil_kpa_low": "Oil pressure below our limit",
    "battery_v_high": "Battery voltage above our limit",
    "battery_v_low": "Battery voltage below our limit",
    "fuel_pct_high": "Fuel level above our limit",
    "fuel_pct_low": "Fuel level below our limit",
}
BYPASSES = frozenset({"gas_leak", "fire", "detonation"})
"""Told one by one whatever else is going on, like every shutdown."""
STOPS = frozenset({AlarmGroup.SHUTDOWN, AlarmGroup.TRIP_STOP, AlarmGroup.SAFETY_TRIP_STOP})
"""What ends with the engine standing."""


def title(name: str) -> str:
    """An alarm in English."""
    return TITLES.get(name) or name.replace("_", " ").capitalize()


def severity(condition: Condition) -> str:
    """How grave it is to people: critical where the engine stops, or somebody may be hurt."""
    return "critical" if condition.group in STOPS or condition.name in BYPASSES else "warning"


def bypasses(condition: Condition) -> bool:
    """Whether it is told by itself in a flood, too."""
    return condition.group is AlarmGroup.SHUTDOWN or condition.name in BYPASSES


def words(condition: Condition) -> str:
    """Title and group, as a notice says them."""
    return f"{title(condition.name)} ({GROUPS[condition.group]})"
