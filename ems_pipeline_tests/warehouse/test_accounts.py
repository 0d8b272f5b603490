"""An account counts what came of set-points; what cannot be seen is null, not zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.control import lifecycle
from ems_pipeline.devices.driver.command import BatteryCommand, ChargerCommand, SignalCommand
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode
from ems_pipeline.warehouse import Warehouse, accounts, setpoints, sites
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent, Setpoint, State

NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
COMMANDS = (
    BatteryCommand("inverter", BatteryMode.HOLD),
    ChargerCommand("wallbox-1", ChargerMode.OFF),
    SignalCommand("loxone", ()),
)


def test_the_effect_of_signals_is_unknown_and_that_of_others_is_counted(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOON)
        drafts = [
            Setpoint("home01", NOON, Intent(told.device, told, Source.PLAN, "", NOON + timedelta(minutes=20)), False)
            for told in COMMANDS
        ]
        rows = setpoints.intend(connection, drafts, NOON)
        for row in rows:
            seen = [State.EFFECTIVE] if row.device == "inverter" else []
            steps = lifecycle.path(row, State.SENT, State.ECHOED, *seen, at=NOON, reason="", measured={})
            setpoints.take(connection, steps)
        day = time_grid.local_day(NOON, time_grid.zone(home01.timezone))
        told = accounts.of_site(connection, home01, day, day).setpoints
    counted = dict(zip(told["device_key"], told["effective"], strict=True))
    assert counted == {"inverter": 1, "wallbox-1": 0, "loxone": None}
