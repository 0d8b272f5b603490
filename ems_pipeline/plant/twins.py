"""Twins of the driver families: which registers mean what to the physics. Add a class when a new family obeys."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf

from ems_pipeline.devices.loxone import PRINTED_FACTORS
from ems_pipeline.devices.map_file import load_map
from ems_pipeline.devices.point_map import Point, PointMap
from ems_pipeline.devices.quantities import EvStatus, SgReadyState
from ems_pipeline.devices.samsung import FORCED_SHIFT_K, RATIO_ENABLED, RECOMMENDED_SHIFT_K
from ems_pipeline.plant.hybrid import GRID_CHARGE_BIT, Settings, TouSlot
from ems_pipeline.plant.instruments import CELL_TEMP_C
from ems_pipeline.plant.twin import Twin
from ems_pipeline.plant.world import Hybrid, World
from ems_pipeline.sites import Device

SLOTS = range(1, 7)
MIDNIGHT_STARTS = (0, 400, 800, 1200, 1600, 2000)
NO_CAR_CODE = 255
HEARTBEAT_S = 180.0
CONTACT_SHIFT_K = {
    SgReadyState.BLOCKED: -inf,
    SgReadyState.NORMAL: 0.0,
    SgReadyState.RECOMMENDED: RECOMMENDED_SHIFT_K,
    SgReadyState.FORCED: FORCED_SHIFT_K,
}


class DeyeTwin(Twin):
    """A Deye hybrid inverter; ignores function 6 without an answer, as the real one does."""

    silent_functions = frozenset({6})

    @property
    def hybrid(self) -> Hybrid:
        return self.world.hybrids[self.device]

    def factory_settings(self) -> dict[str, float]:
        s, hybrid = self.hybrid.settings, self.hybrid
        low, high = self.point_map.by_name["battery_voltage"].range or (100.0, 1000.0)
        hybrid.nominal_voltage_v = 400.0 if high > 100 else 51.2
        rated_w = (self.point_map.by_name["slot1_power"].range or (0.0, s.rated_power_w))[1]
        hybrid.settings = s = Settings.self_use(rated_w, s.low_soc_pct, s.max_sell_power_w)
        slots = {f"slot{n}_start": float(start) for n, start in zip(SLOTS, MIDNIGHT_STARTS, strict=True)}
        slots |= {f"slot{n}_power": rated_w for n in SLOTS} | {f"slot{n}_soc": s.low_soc_pct for n in SLOTS}
        slots |= {f"slot{n}_voltage": max(low, 0.96 * hybrid.nominal_voltage_v) for n in SLOTS}
        return slots | {
            "device_type": 8.0 if high > 100 else 5.0,
            "modbus_address": 1.0,
            "protocol_version": 0x0105,
            "rated_power": rated_w,
            "zero_export_power": s.zero_export_power_w,
            "max_charge_current": s.max_charge_current_a,
            "max_discharge_current": s.max_discharge_current_a,
            "battery_mode": 1.0,
            "shutdown_soc": max(0.0, s.low_soc_pct - 5),
            "restart_soc": s.low_soc_pct + 5,
            "low_soc": s.low_soc_pct,
            "grid_charge_start_soc": s.grid_charge_start_soc_pct,
            "energy_pattern": 1.0,
            "limit_control": 2.0,
            "max_sell_power": s.max_sell_power_w,
            "solar_sell": 1.0,
            "tou_enable": float(s.tou_days),
            "max_solar_power": (self.point_map.by_name["max_solar_power"].range or (0.0, inf))[1],
            "run_state": 2.0,
            "on_off_state": 1.0,
            "relays": 0b10111,
        }

    def obey(self) -> None:
        held = self.held
        slots = [
            TouSlot(
                start_min=int(held[f"slot{n}_start"]) // 100 * 60 + int(held[f"slot{n}_start"]) % 100,
                power_w=held[f"slot{n}_power"],
                soc_pct=held[f"slot{n}_soc"],
                grid_charge=bool(int(held[f"slot{n}_flags"]) & GRID_CHARGE_BIT),
            )
            for n in SLOTS
        ]
        self.hybrid.settings = Settings(
            max_charge_current_a=held["max_charge_current"],
            max_discharge_current_a=held["max_discharge_current"],
            grid_charge_start_soc_pct=held["grid_charge_start_soc"],
            grid_charge_current_a=held["grid_charge_current"],
            grid_charge_enable=held["grid_charge_enable"] == 1,
            load_first=held["energy_pattern"] == 1,
            selling_first=held["limit_control"] == 0,
            max_sell_power_w=held["max_sell_power"],
            solar_sell=held["solar_sell"] == 1,
            zero_export_power_w=held["zero_export_power"],
            low_soc_pct=held["low_soc"],
            tou_days=int(held["tou_enable"]),
            slots=tuple(sorted(slots, key=lambda s: s.start_min)),
            max_solar_power_w=held["max_solar_power"],
            rated_power_w=held["rated_power"],
        )

    def live(self) -> dict[str, float]:
        found, hybrid, world = super().live(), self.hybrid, self.world
        volt, today = hybrid.limits.voltage_v or hybrid.nominal_voltage_v, world.midnight
        current_a = hybrid.battery_w / volt
        found |= {f"grid_power_l{n}": found["grid_power_w"] / 3 for n in (1, 2, 3)}
        found |= {f"grid_voltage_l{n}": 230.0 + 0.5 * n for n in (1, 2, 3)}
        for n, array in enumerate(hybrid.arrays[:4], 1):
            share_w = hybrid.pv_w * array.peak_power_w / sum(a.peak_power_w for a in hybrid.arrays)
            string_v = 600.0 if share_w > 0 else 0.0
            found |= {f"pv{n}_power": share_w, f"pv{n}_voltage": string_v, f"pv{n}_current": share_w / 600.0}
        return found | {
            "inverter_power": hybrid.pv_w + hybrid.battery_w,
            "battery_current": current_a,
            "bms_charge_voltage": 1.05 * hybrid.nominal_voltage_v,
            "bms_discharge_voltage": 0.9 * hybrid.nominal_voltage_v,
            "bms_charge_current_limit": (hybrid.cells.charge_limit_w / volt + 1) if hybrid.cells else 0.0,
            "bms_discharge_current_limit": (hybrid.cells.discharge_limit_w / volt + 1) if hybrid.cells else 0.0,
            "bms_soc": found.get("battery_soc_pct", 0.0),
            "bms_voltage": volt,
            "bms_current": current_a,
            "bms_temperature": CELL_TEMP_C,
            "dc_temperature": 38.0,
            "heatsink_temperature": 36.0,
            "battery_charge_today": hybrid.charge_wh - today.charge_wh.get(hybrid.key, 0.0),
            "battery_discharge_today": hybrid.discharge_wh - today.discharge_wh.get(hybrid.key, 0.0),
            "grid_import_today": world.counters.import_wh - today.counters.import_wh,
            "grid_export_today": world.counters.export_wh - today.counters.export_wh,
            "load_today": world.counters.consumed_wh - today.counters.consumed_wh,
            "pv_today": hybrid.pv_wh - today.pv_wh.get(hybrid.key, 0.0),
        }


class TeltonikaTwin(Twin):
    """A TeltoCharge wallbox; a restart forgets the current limit."""

    volatile = frozenset({"current_limit", "start_stop"})

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.box = next(b for b in world.wallboxes.values() if b.charger.device == device)
        super().__init__(world, device, point_map)

    def factory_settings(self) -> dict[str, float]:
        return {"current_limit": self.box.charger.max_current_a, "start_stop": 1.0}

    def asked(self) -> None:
        self.box.asked_at = self.world.at

    def obey(self) -> None:
        self.box.limit_a, self.box.started = self.held["current_limit"], self.held["start_stop"] == 1

    def live(self) -> dict[str, float]:
        wired = range(1, self.box.charger.phases + 1)
        status = self.box.status
        point_state = {EvStatus.NOT_CONNECTED: 0.0, EvStatus.CHARGING: 2.0}.get(status, self._suspended())
        return (
            super().live()
            | {f"voltage_l{n}": 230.0 for n in (1, 2, 3)}
            | {f"current_l{n}": self.box.current_a if n in wired else 0.0 for n in (1, 2, 3)}
            | {"evse_status": float(status), "iec61851_state": float(status), "charge_point_state": point_state}
        )

    def raw(self) -> dict[str, int]:
        return {"evse_status": NO_CAR_CODE} if self.box.status is EvStatus.NOT_CONNECTED else {}

    def _suspended(self) -> float:
        """3 when the car has enough, 4 when the box does not offer."""
        return 3.0 if self.box.limit_a >= 6 and self.box.started else 4.0


class SamsungTwin(Twin):
    """A Samsung EHS behind its Modbus module."""

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.unit = next(h for h in world.heatings.values() if h.pump.device == device)
        super().__init__(world, device, point_map)

    def factory_settings(self) -> dict[str, float]:
        return {
            "unit_status": 0x07,
            "zone1_enable": 1.0,
            "zone1_mode": 4.0,
            "zone1_room_setpoint": self.unit.pump.house.comfort_min_c,
            "flow_setpoint": self.unit.flow_setpoint_c,
            "dhw_enable": 1.0,
            "dhw_mode": 1.0,
        }

    def obey(self) -> None:
        ratio = int(self.held["frequency_ratio_control"])
        self.unit.flow_setpoint_c = self.held["flow_setpoint"]
        self.unit.enabled = self.held["zone1_enable"] == 1
        self.unit.ratio = (ratio & 0xFF) / 100 if ratio & RATIO_ENABLED else None


class LoxoneTwin(Twin):
    """A Miniserver whose configuration passes the virtual inputs on to the heat pump's SG Ready contacts.

    As the map asks, the configuration watches the heartbeat and falls back to its own rule when it stops.
    """

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.heartbeat_at: datetime | None = None
        super().__init__(world, device, point_map)

    def factory_settings(self) -> dict[str, float]:
        return {"ems_heat_pump_mode": float(SgReadyState.NORMAL)}

    def text(self, point: Point) -> str:
        """What the web service answers: a number with a unit behind, as configured in the display format."""
        with self.world.lock:
            self.world.advance()
            value = self.value(point, self.live())
        if point.unit in ("W", "Wh") and point.scale == PRINTED_FACTORS["kW"]:
            return f"{value / 1000:.3f}k{point.unit}"
        return f"{value:.2f}°" if point.unit == "°C" else f"{value:g}"

    def obey(self) -> None:
        self.heartbeat_at = self.world.at
        self.world.schedule(self.world.at + timedelta(seconds=HEARTBEAT_S), self._watch)
        self._connect_contacts()

    def live(self) -> dict[str, float]:
        found = super().live()
        found.pop("heat_pump_mode", None)
        return found

    def _watch(self) -> None:
        if self.heartbeat_at is not None and self.world.at - self.heartbeat_at >= timedelta(seconds=HEARTBEAT_S):
            self.heartbeat_at = None
            self._connect_contacts()
            self.world.decide_again()

    def _connect_contacts(self) -> None:
        permitted = self.heartbeat_at is not None and self.held["ems_permission"] == 1
        mode = SgReadyState(int(self.held["ems_heat_pump_mode"])) if permitted else SgReadyState.NORMAL
        for unit in self.world.heatings.values():
            unit.contact_shift_k = CONTACT_SHIFT_K[mode]


FAMILIES: dict[str, type[Twin]] = {
    "deye": DeyeTwin,
    "teltonika": TeltonikaTwin,
    "samsung": SamsungTwin,
    "loxone": LoxoneTwin,
}
"""`driver:` of a point map -> its twin; every other driver only measures."""


def build_twin(world: World, device: Device) -> Twin:
    """The twin of a device of the world's site. Raises `MapFileError` for a map that does not exist."""
    point_map = load_map(device.map)
    return FAMILIES.get(point_map.driver, Twin)(world, device.key, point_map)
