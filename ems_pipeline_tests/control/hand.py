"""Somebody at the command line of the bench's site, without a command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ems_pipeline.control import commissioning
from ems_pipeline.control.order import Order
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse import setpoint_lives as journal
from ems_pipeline_tests.control import bench

if TYPE_CHECKING:
    from ems_pipeline_tests.control.conftest import Bench

SELL = 4000.0


def disabled(site: Site) -> Site:
    return site.model_copy(update={"control": site.control.model_copy(update={"enabled": False})})


class Hand:
    """Somebody at the command line of the bench's site."""

    def __init__(self, home: Bench) -> None:
        self.home, self.said, self.waited = home, list[str](), list[float]()
        self.order = Order(home.site, "inverter", "max_sell_power", SELL, "test")

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.home.advance(seconds=seconds)

    def look(self, **change: Any) -> str:
        order = replace(self.order, **change)
        bench.known(self.home.warehouse, order.site, self.home.clock.now())
        return commissioning.look(self.home.warehouse, order, self.home.clock).undone

    def write(self, **change: Any) -> list[Outcome]:
        order = replace(self.order, **change)
        bench.known(self.home.warehouse, order.site, self.home.clock.now())
        return commissioning.write(self.home.warehouse, order, self.home.clock, self.wait, self.said.append)

    def row(self, number: int) -> dict[str, Any]:
        """A set-point of the inverter, the newest being -1."""
        with self.home.warehouse.begin() as connection:
            ids = connection.exec_driver_sql(
                "SELECT setpoint_id FROM ems.setpoint WHERE device_key = 'inverter' ORDER BY setpoint_id"
            ).scalars()
            found, _ = journal.life(connection, "home01", list(ids)[number])
        return found


def disarm(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.disarm(connection, home.site.key, home.clock.now(), "test")
