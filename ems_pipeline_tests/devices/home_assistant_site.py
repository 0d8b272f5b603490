"""A site that nothing but Home Assistant measures."""

from __future__ import annotations

from ems_pipeline.sites import Device, Gateway, Site

TOKEN = "EMS_HOME01_HOME_ASSISTANT_TOKEN"
OPTIONS: dict[str, dict[str, float | str | bool]] = {
    "inverter": {
        "grid_power_w": "sensor.grid_import - sensor.grid_export",
        "grid_import_wh": "sensor.meter_in",
        "grid_export_wh": "sensor.meter_out",
        "pv_power_w": "sensor.pv_power",
        "battery_power_w": "-sensor.battery_power",
        "battery_soc_pct": "sensor.battery_soc",
    },
    "wallbox-1": {"ev_power_w": "sensor.wallbox_power"},
    "wallbox-2": {"ev_power_w": "sensor.wallbox_2_power"},
    "heat-pump": {
        "heat_pump_power_w": "sensor.heat_pump_power",
        "indoor_temp_c": "sensor.living_room",
        "outdoor_temp_c": "sensor.garden",
    },
}


def measured_by_home_assistant(like: Site) -> Site:
    """The site with the same parts, each a device of Home Assistant's."""
    gateway = Gateway(
        key="ha", transport="home-assistant", host="192.0.2.9", port=8123, timeout_s=2.0, password_env=TOKEN
    )
    devices = tuple(Device(key=key, map="home-assistant", gateway="ha", options=o) for key, o in OPTIONS.items())
    return like.model_copy(update={"gateways": (gateway,), "devices": devices})
