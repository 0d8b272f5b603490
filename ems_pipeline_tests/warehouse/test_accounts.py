"""An account counts what came of set-points; what cannot be seen is null, not zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.control import lifecycle
from ems_pipeline.control.lifecycle import State
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, accounts, setpoints, sites
from ems_pipeline.warehouse.setpoints import Setpoint

NOON = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
COMMANDS = {"inverter": "BatteryCommand", "wallbox-1": "ChargerCommand", "loxone": "SignalCommand"}


def test_the_effect_of_signals_is_unknown_and_that_of_others_is_counted(warehouse: Warehouse, home01: Site) -> None:
    with warehouse.begin() as connection:
        sites.register(connection, [home01], NOON)
        drafts = [
            Setpoint(
                "home01", device, NOON, "plan", {"command": kind}, "", NOON + timedelta(minutes=20), is_shadow=False
            )
            for device, kind in COMMANDS.items()
        ]
        rows = setpoints.intend(connection, drafts, NOON)
        for row in rows:
            seen = [State.EFFECTIVE] if row.device_key == "inverter" else []
            steps = lifecycle.path(row, State.SENT, State.ECHOED, *seen, at=NOON, reason="", measured={})
            setpoints.take(connection, steps)
        day = time_grid.local_day(NOON, time_grid.zone(home01.timezone))
        told = accounts.of_site(connection, home01, day, day).setpoints
    counted = dict(zip(told["device_key"], told["effective"], strict=True))
    assert counted == {"inverter": 1, "wallbox-1": 0, "loxone": None}
