"""The twin of a Deye hybrid inverter: its registers over `hybrid`'s settings and cells."""

from __future__ import annotations

from math import inf

from ems_pipeline import time_grid
from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.vendors.deye import GRID_CHARGE_BIT, SLOTS
from ems_pipeline.plant.hybrid import Settings, TouSlot
from ems_pipeline.plant.instruments import CELL_TEMP_C
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.plant.world import World

CLOCK = (62, 63, 64)
"""Year and month, day and hour, minute and second, a byte each."""
ALL_OFF = 0xAAAA
"""Two-bit fields of register 178, 10 each."""
SLOT_STARTS = (0, 400, 800, 1200, 1600, 2000)


class DeyeTwin(Twin):
    """A Deye hybrid inverter; ignores function 6 without an answer, as the real one does."""

    silent_functions = frozenset({6})
    longest_read = 125

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.hybrid = hybrid = part_of(world.hybrids.values(), lambda h: h.key, device, "battery or PV array")
        point_map = growth.fitted(point_map, growth.sizes(point_map, world.site.device(device).options, {}))
        self.rated_w = min(_highest(point_map, "slot1_power"), hybrid.settings.rated_power_w)
        hybrid.nominal_voltage_v = 400.0 if _highest(point_map, "battery_voltage") > 100 else 51.2
        hybrid.settings = Settings.self_use(self.rated_w, hybrid.settings.low_soc_pct, hybrid.settings.max_sell_power_w)
        self.installed = hybrid.settings
        super().__init__(world, device, point_map)
        world.decide_again()

    def factory_settings(self) -> dict[str, float]:
        s, rated_w = self.installed, self.rated_w
        high_voltage = self.hybrid.nominal_voltage_v > 100
        slots = {f"slot{n}_start": float(start) for n, start in zip(SLOTS, SLOT_STARTS, strict=True)}
        slots |= {f"slot{n}_power": rated_w for n in SLOTS} | {f"slot{n}_soc": s.low_soc_pct for n in SLOTS}
        slots |= {f"slot{n}_voltage": 0.96 * self.hybrid.nominal_voltage_v for n in SLOTS}
        return slots | {
            "device_type": 8.0 if high_voltage else 5.0,
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
            "max_solar_power": _highest(self.point_map, "max_solar_power"),
            "run_state": 2.0,
            "on_off_state": 1.0,
            "relays": 0b10111,
            "feature_switches": ALL_OFF,
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
        found |= {f"outer_ct_power_l{n}": found["grid_power_w"] / 3 for n in (1, 2, 3)}
        found |= {f"outer_ct_current_l{n}": found["grid_power_w"] / 3 / 230.0 for n in (1, 2, 3)}
        found |= {f"load_power_l{n}": found["load_power_w"] / 3 for n in (1, 2, 3)}
        found |= {f"inverter_power_l{n}": (hybrid.pv_w + hybrid.battery_w) / 3 for n in (1, 2, 3)}
        found |= {f"grid_voltage_l{n}": 230.0 + 0.5 * n for n in (1, 2, 3)}
        for n, array in enumerate(hybrid.arrays[:4], 1):
            share_w = hybrid.pv_w * array.peak_power_w / sum(a.peak_power_w for a in hybrid.arrays)
            string_v = 600.0 if share_w > 0 else 0.0
            found |= {f"pv{n}_power": share_w, f"pv{n}_voltage": string_v, f"pv{n}_current": share_w / 600.0}
        return found | {
            "inverter_power": hybrid.pv_w + hybrid.battery_w,
            "battery_power": hybrid.battery_w,
            "outer_ct_power": found["grid_power_w"],
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

    def _encode(self) -> dict[int, int]:
        """With what the map has no use for and others read: clock, AC side and load side."""
        world = self.world
        local = world.at.astimezone(time_grid.zone(world.site.timezone))
        power_w = self.hybrid.pv_w + self.hybrid.battery_w
        clock = (local.year - 2000 << 8 | local.month, local.day << 8 | local.hour, local.minute << 8 | local.second)
        words = dict(zip(CLOCK, clock, strict=True))
        for n in range(3):
            words |= {627 + n: 2300, 630 + n: round(power_w / 3 / 230.0 * 100) & 0xFFFF, 644 + n: 2300}
        return words | dict.fromkeys((638, 655), 5000) | super()._encode()


def _highest(point_map: PointMap, point: str) -> float:
    """The upper end of a point's range."""
    return (point_map.by_name[point].range or (0.0, inf))[1]
