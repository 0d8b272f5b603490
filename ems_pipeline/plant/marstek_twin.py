"""The twin of a Marstek Venus: its methods over the cells, its modes, and the end of a power nobody renews."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from ems_pipeline.devices.points import variants
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.variants import Firmware
from ems_pipeline.devices.vendors.marstek import AUTO, PASSIVE
from ems_pipeline.plant.hybrid import Order
from ems_pipeline.plant.instruments import CELL_TEMP_C
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.plant.world import World

NOT_FOUND, WRONG_PARAMETERS, UNREADABLE = -32601, -32602, -32700
LONGEST_S = 86_400
MODES = {"Auto": 0, "AI": 1, "Manual": 2, "Passive": 3, "UPS": 4}
FORMS = {"Auto": "auto_cfg", "AI": "ai_cfg", "Manual": "manual_cfg", "Passive": "passive_cfg", "UPS": "ups_cfg"}
UPS_SINCE = 150
"""Firmware that knows mode UPS."""
LAST_SLOT = 9
Answer = dict[str, Any]


class Refusal(Exception):
    """An error of the interface, by its number."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class MarstekTwin(Twin):
    """A Venus behind its local interface; ``model`` and ``firmware`` are what it says it is."""

    volatile = frozenset({"mode", "passive_power", "passive_time"})

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.hybrid = part_of(world.hybrids.values(), lambda h: h.key, device, "battery or PV array")
        self.model, self.firmware = "VenusE 3.0", 150
        gateway = world.site.gateway_of(world.site.device(device))
        self.ble_mac = gateway.mac or f"02{zlib.crc32(device.encode()):010x}"
        self.manual: dict[int, Mapping[str, Any]] = {}
        """Slots by number, as they were told; they stay."""
        self._told = 0
        self._methods: dict[str, Callable[[Mapping[str, Any]], Answer]] = {
            "Marstek.GetDevice": self._device,
            "ES.GetStatus": self._status,
            "ES.GetMode": self._mode,
            "Bat.GetStatus": self._battery,
            "EM.GetStatus": self._meter,
            "Wifi.GetStatus": self._wifi,
            "BLE.GetStatus": lambda _: {"id": 0, "state": "disconnect", "ble_mac": self.ble_mac},
            "ES.SetMode": self._set_mode,
        }
        super().__init__(world, device, point_map)
        self.hybrid.settings = self.hybrid.settings.following_the_meter()
        world.decide_again()

    @property
    def source(self) -> str:
        """How it signs its answers."""
        return f"{self.model}-{self.ble_mac}"

    def factory_settings(self) -> dict[str, float]:
        return {"mode": AUTO, "passive_power": 0.0, "passive_time": 0.0}

    def obey(self) -> None:
        """A power while it lasts, else the meter; a mode of the vendor's cloud is taken for the meter."""
        self._told += 1
        told, seconds = self._told, self.held["passive_time"]
        is_passive = self.held["mode"] == PASSIVE
        self.hybrid.order = Order(power_w=self.held["passive_power"] if is_passive else None)
        if is_passive:
            self.world.schedule(self.world.at + timedelta(seconds=seconds), lambda: self._over(told))

    def _over(self, told: int) -> None:
        if told == self._told:
            self.hold({"mode": AUTO})

    def call(self, method: str, parameters: Mapping[str, Any]) -> Answer:
        """The result of a method.

        Raises:
            Refusal: the interface's own error.
            Refused, Silent: a fault is at work.
        """
        self.check_alive()
        if method not in self._methods:
            raise Refusal(NOT_FOUND, "Method not found")
        with self.world.lock:
            self.world.advance()
            return self._methods[method](parameters)

    def _device(self, _: Mapping[str, Any]) -> Answer:
        gateway = self.world.site.gateway_of(self.world.site.device(self.device))
        return {
            "device": self.model, "ver": self.firmware, "ble_mac": self.ble_mac, "wifi_mac": "04" + self.ble_mac[2:],
            "wifi_name": "Home", "ip": gateway.host,
        }  # fmt: skip

    def _raw(self, point: str, value: float) -> int:
        """A value as this firmware scales it."""
        variant = variants.fitting(self.point_map, Firmware.of(self.model, self.firmware))
        scale = variant.scale.get(point, 1.0) if variant else 1.0
        return round(value / scale)

    @property
    def _grid_port_w(self) -> int:
        return round(self.hybrid.battery_w + self.hybrid.pv_w)

    @property
    def _soc_pct(self) -> int:
        return math.floor(self.hybrid.cells.soc_pct) if self.hybrid.cells else 0

    def _status(self, _: Mapping[str, Any]) -> Answer:
        capacity_wh = self.hybrid.cells.capacity_wh if self.hybrid.cells else 0.0
        return {
            "id": 0, "bat_soc": self._soc_pct, "bat_cap": round(capacity_wh), "pv_power": round(self.hybrid.pv_w),
            "ongrid_power": self._grid_port_w, "offgrid_power": 0, "total_pv_energy": round(self.hybrid.pv_wh),
            "total_grid_output_energy": self._raw("grid_output", self.hybrid.discharge_wh),
            "total_grid_input_energy": self._raw("grid_input", self.hybrid.charge_wh),
            "total_load_energy": 0,
        }  # fmt: skip

    def _mode(self, _: Mapping[str, Any]) -> Answer:
        name = next(name for name, number in MODES.items() if number == self.held["mode"])
        return {"id": 0, "mode": name, "ongrid_power": self._grid_port_w, "offgrid_power": 0, "bat_soc": self._soc_pct}

    def _battery(self, _: Mapping[str, Any]) -> Answer:
        cells = self.hybrid.cells
        capacity_wh, left_wh = (cells.capacity_wh, cells.energy_wh) if cells else (0.0, 0.0)
        return {
            "id": 0, "soc": self._soc_pct, "charg_flag": True, "dischrg_flag": True,
            "bat_temp": self._raw("temperature", CELL_TEMP_C), "bat_capacity": self._raw("remaining", left_wh),
            "rated_capacity": round(capacity_wh),
        }  # fmt: skip

    def _meter(self, _: Mapping[str, Any]) -> Answer:
        grid_w = self.world.flows.grid_w
        phases = {f"{abc}_power": round(grid_w / 3) for abc in "abc"}
        return {"id": 0, "ct_state": 1, **phases, "total_power": round(grid_w)}

    def _wifi(self, _: Mapping[str, Any]) -> Answer:
        return {"id": 0, "wifi_mac": "04" + self.ble_mac[2:], "ssid": "Home", "rssi": -58}

    def _set_mode(self, parameters: Mapping[str, Any]) -> Answer:
        """Take a mode with its part; without the part nothing is taken."""
        said = parameters.get("config")
        name = said.get("mode") if isinstance(said, dict) else None
        if not isinstance(said, dict) or name not in MODES or (name == "UPS" and self.firmware < UPS_SINCE):
            raise Refusal(WRONG_PARAMETERS, "Invalid params")
        part = said.get(FORMS[name])
        if not isinstance(part, dict) or not self._fits(name, part):
            return {"id": 0, "set_result": False}
        wanted = {"mode": float(MODES[name])}
        if name == "Passive":
            wanted |= {"passive_power": float(part["power"]), "passive_time": float(part["cd_time"])}
        if name == "Manual":
            self.manual[part["time_num"]] = part
        self.put(wanted)
        return {"id": 0, "set_result": True}

    def _fits(self, name: str, part: Mapping[str, Any]) -> bool:
        match name:
            case "Passive":
                power_w, seconds = part.get("power"), part.get("cd_time")
                low, high = self.point_map.by_name["passive_power"].range or (0.0, 0.0)
                is_whole = isinstance(power_w, int) and isinstance(seconds, int)
                return is_whole and low <= power_w <= high and 0 <= seconds <= LONGEST_S  # type: ignore[operator]
            case "Manual":
                return isinstance(part.get("time_num"), int) and 0 <= part["time_num"] <= LAST_SLOT
        return part.get("enable") == 1
