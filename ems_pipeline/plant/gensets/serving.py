"""Halls at free ports of this machine, without a site file: for tests of whoever talks to their controllers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from ems_pipeline.plant.gensets.controller import Controller
from ems_pipeline.plant.gensets.hall import Hall
from ems_pipeline.plant.gensets.hgm9520n import Hgm9520n
from ems_pipeline.plant.gensets.hgm9560 import Hgm9560
from ems_pipeline.plant.gensets.switches import SWITCHES, switch_all_off, switch_off, switch_on
from ems_pipeline.plant.modbus_server import Bus, serving_modbus
from ems_pipeline.sites import Gateway
from ems_pipeline.time_grid import Clock

SET_UNIT, BOARD_UNIT = 1, 3


class Standing:
    """A hall that is looked at: its time passes with a clock's. One that goes back changes nothing."""

    def __init__(self, hall: Hall, clock: Clock) -> None:
        self.lock, self.hall, self.clock = RLock(), hall, clock
        self.at: datetime = clock.now()

    def advance(self) -> None:
        """Let time pass up to the clock's now."""
        with self.lock:
            now = self.clock.now()
            if now > self.at:
                self.hall.advance((now - self.at).total_seconds())
                self.at = now


@dataclass
class ServedHall:
    """A hall at work: where its controllers are, and what is wrong with them."""

    standing: Standing
    controllers: Mapping[str, Controller]
    gateways: dict[str, Gateway]
    """By set or switchboard: its host and port."""
    lines: Mapping[str, set[str]]
    """Line faults at work, by set or switchboard."""

    @property
    def hall(self) -> Hall:
        """The physics, as they are now."""
        self.standing.advance()
        return self.standing.hall

    def inject(self, kind: str, key: str, number: float | None = None) -> None:
        """Switch a fault on: one of `SWITCHES`, or of a line."""
        with self.standing.lock:
            if kind in SWITCHES:
                switch_on(self.hall, kind, key, number)
            else:
                self.lines[key].add(kind)

    def clear(self, kind: str | None = None, key: str | None = None) -> None:
        """Switch a fault off, or all."""
        with self.standing.lock:
            if kind is None or key is None:
                switch_all_off(self.hall)
                for faults in self.lines.values():
                    faults.clear()
            elif kind in SWITCHES:
                switch_off(self.hall, kind, key)
            else:
                self.lines[key].discard(kind)


@contextmanager
def serving_halls(
    halls: Mapping[str, Hall], clock: Clock, board_unit: int = BOARD_UNIT
) -> Iterator[dict[str, ServedHall]]:
    """Serve until the block ends: each set by Modbus TCP as unit 1, each switchboard by RTU frames."""
    served: dict[str, ServedHall] = {}
    buses: list[Bus] = []
    for name, hall in halls.items():
        standing = Standing(hall, clock)
        controllers = {key: Hgm9520n(standing, hall, genset) for key, genset in hall.sets.items()}
        board = {hall.board_key: Hgm9560(standing, hall)}
        behind: dict[str, Controller] = {**controllers, **board}
        units = dict.fromkeys(controllers, SET_UNIT) | dict.fromkeys(board, board_unit)
        of = {key: _bus(f"{name}-{key}", controller, units[key]) for key, controller in behind.items()}
        buses += of.values()
        lines = {key: bus.faults for key, bus in of.items()}
        served[name] = ServedHall(standing, behind, {key: bus.gateway for key, bus in of.items()}, lines)
    with serving_modbus(buses) as ports:
        by_gateway = {bus.gateway.key: port for bus, port in zip(buses, ports, strict=True)}
        for there in served.values():
            for key, gateway in there.gateways.items():
                there.gateways[key] = gateway.model_copy(update={"port": by_gateway[gateway.key]})
        yield served


def two_sites(seed: int = 1, load_w: float = 120_000.0) -> dict[str, Hall]:
    """Two sites, each two sets of 160 kW and a switchboard."""
    sets = {"genset-1": 160_000.0, "genset-2": 160_000.0}
    return {name: Hall(sets, seed + nth, load_w) for nth, name in enumerate(("north", "south"))}


def _bus(name: str, controller: Controller, unit: int) -> Bus:
    is_board = isinstance(controller, Hgm9560)
    gateway = Gateway.model_construct(
        key=name, transport="rtu-over-tcp" if is_board else "modbus-tcp", host="127.0.0.1", port=0
    )
    return Bus(gateway, {unit: controller}, is_transparent=is_board)
