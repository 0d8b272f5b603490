"""Twins of the driver families: which registers mean what to the physics. Add a class when a new family obeys."""

from __future__ import annotations

from datetime import datetime, timedelta

from ems_pipeline.devices.points import growth
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.quantities import EvStatus, SgReadyState
from ems_pipeline.devices.vendors.loxone import PRINTED_FACTORS
from ems_pipeline.devices.vendors.samsung import RATIO_ENABLED
from ems_pipeline.errors import EmsError
from ems_pipeline.plant.deye_twin import DeyeTwin
from ems_pipeline.plant.genset_twin import ControllerTwin
from ems_pipeline.plant.heating import CONTACT_SHIFT_K
from ems_pipeline.plant.home_assistant import HomeAssistantTwin
from ems_pipeline.plant.local_charger_twins import GoETwin, WifiChargerTwin
from ems_pipeline.plant.marstek_twin import MarstekTwin
from ems_pipeline.plant.meter_twin import MeterTwin
from ems_pipeline.plant.ocpp_twin import OcppTwin
from ems_pipeline.plant.recipe_twin import RecipeTwin, SunSpecBattery
from ems_pipeline.plant.sunspec_twin import SunSpecTwin
from ems_pipeline.plant.twin import Twin, part_of
from ems_pipeline.plant.world import World
from ems_pipeline.sites import Device
from ems_pipeline.sites.protocol import ProtocolName

NO_CAR_CODE = 255
HEARTBEAT_S = 180.0


class TeltonikaTwin(Twin):
    """A TeltoCharge charger; a restart forgets the current limit."""

    volatile = frozenset({"current_limit", "start_stop"})

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.box = part_of(world.chargings.values(), lambda b: b.charger.device, device, "charger")
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
        self.unit = part_of(world.heatings.values(), lambda h: h.pump.device, device, "heat pump")
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

    def live(self) -> dict[str, float]:
        return super().live() | {"three_way_valve": float(self.unit.on_tank)}

    def obey(self) -> None:
        ratio = int(self.held["frequency_ratio_control"])
        self.unit.flow_setpoint_c = self.held["flow_setpoint"]
        self.unit.enabled = self.held["zone1_enable"] == 1
        self.unit.ratio = (ratio & 0xFF) / 100 if ratio & RATIO_ENABLED else None


class LoxoneTwin(Twin):
    """A Miniserver whose configuration passes the virtual inputs on to the heat pump's SG Ready contacts.

    A restart forgets the inputs. As the map asks, the configuration watches the heartbeat and falls back to its own
    rule when it stops.
    """

    def __init__(self, world: World, device: str, point_map: PointMap) -> None:
        self.heartbeat_at: datetime | None = None
        self.volatile = frozenset(p.name for p in point_map.points if p.writable)
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
    "recipe": RecipeTwin,
    "ocpp": OcppTwin,
    "go-e": GoETwin,
    "evse-wifi": WifiChargerTwin,
    "marstek": MarstekTwin,
    "meter": MeterTwin,
}
"""`driver:` of a point map -> its twin."""
WHOLE_PROTOCOLS: dict[ProtocolName, type[Twin]] = {
    "sunspec": SunSpecTwin,
    "home-assistant": HomeAssistantTwin,
    "smartgen": ControllerTwin,
}
"""`protocol:` of a point map -> the twin of all its devices, whatever drives them."""


class NotSimulated(EmsError):
    """A device or a gateway of the site that the virtual plant cannot be."""


def build_twin(world: World, device: Device) -> Twin:
    """The twin of a device of the world's site; for the errors see `twin_of`."""
    return twin_of(device)(world, device.key, growth.named(load_map(device.map), device.options))


def twin_of(device: Device) -> type[Twin]:
    """What stands for a device in the plant.

    Raises:
        MapFileError: its map does not exist.
        NotSimulated: nothing does.
    """
    point_map = load_map(device.map)
    found = WHOLE_PROTOCOLS.get(point_map.protocol) or FAMILIES.get(point_map.driver)
    found = SunSpecBattery if found is SunSpecTwin and point_map.recipe is not None else found
    if found is None:
        raise NotSimulated(
            f"device {device.key!r}: the virtual plant has no twin for driver {point_map.driver!r} of map "
            f"{device.map}, only for {', '.join(FAMILIES)}",
            "leave the device out of the simulated site, or add a class to plant/twins.py",
        )
    return found
