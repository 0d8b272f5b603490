"""A hall with two sets and a switchboard: its file, and what a poller would write of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.gensets.snapshot import AlarmBit, Link, Snapshot
from ems_pipeline.sites import Site
from ems_pipeline.sites.alarm_limit import AlarmLimit
from ems_pipeline.sites.machines import Genset, Switchboard
from ems_pipeline.sites.wiring import Device, Gateway
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import genset_commands, gensets
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.gensets import Change, Minute
from ems_pipeline_tests.api.conftest import NOON

HALL, SET, BOARD = "hall", "set-1", "board"
TABLES = """ems.genset_live, ems.genset_minute, ems.genset_change, ems.genset_controller, ems.genset_command,
    ems.genset_lockout, ems.genset_alarm, ems.maintenance_alert"""
RUNNING = {
    "engine_state": "running", "generator_breaker": "closed", "mains_breaker": "closed", "power_w": 120_400.0,
    "power_pct": 75.2, "power_target_pct": 80.0, "rpm": 1500.0, "coolant_c": 82.0, "oil_kpa": 410.0, "fuel_pct": None,
    "battery_v": 27.6, "run_hours": 1234.5, "starts": 87.0, "sync_v": 0.4, "sync_hz": 0.02, "sync_phase_deg": 4.0,
}  # fmt: skip
"""A set on load; its fuel has no sensor."""
RESTING = RUNNING | {
    "engine_state": "standby", "generator_breaker": "open", "power_w": 0.0, "rpm": 0.0, "coolant_c": 45.0,
    "oil_kpa": 0.0, "battery_v": 24.8, "sync_v": None, "sync_hz": None, "sync_phase_deg": None,
}  # fmt: skip
AT_BOARD = {
    "mains_state": "normal", "mains_breaker": "closed", "busbar_breaker": "closed", "mains_power_w": 31_000.0,
    "busbar_power_w": 120_000.0, "power_target_pct": None, "mains_hz": 50.01, "busbar_hz": 50.0, "battery_v": 27.1,
}  # fmt: skip
AUTO = {"mode_auto": True, "mode_manual": False, "mode_stop": False, "mode_test": False, "common_alarm": False}


def hall(home01: Site, start_by: str = "manual") -> Site:
    """Its file; the sets say which window their controllers close within."""
    gateways = tuple(
        Gateway(key=f"line-{n}", transport="modbus-tcp", host="127.0.0.1", port=15200 + n) for n in (1, 2, 3)
    )
    options: dict[str, Any] = {
        "rated_power_w": 160_000.0, "start_by": start_by, "sync_window_v": 5.0, "sync_window_hz": 0.2,
        "sync_window_deg": 10.0,
    }  # fmt: skip
    devices = [Device(key=f"set-{n}", map="smartgen-hgm9520n", gateway=f"line-{n}", options=options) for n in (1, 2)]
    board = Device(key=BOARD, map="smartgen-hgm9560", gateway="line-3", options={"rated_power_w": 320_000.0})
    sets = tuple(
        Genset(
            key=f"gas-{n}", device=f"set-{n}", min_power_w=80_000, max_power_w=160_000, start_cost=20, fuel_per_kwh=5,
            alarm_limits=(AlarmLimit(value="coolant_c", above=98), AlarmLimit(value="fuel_pct", below=20)),
        )
        for n in (1, 2)
    )  # fmt: skip
    return home01.model_copy(
        update={
            "key": HALL, "name": "Hall", "gateways": gateways, "devices": (*devices, board), "gensets": sets,
            "switchboards": (Switchboard(key=BOARD, device=BOARD, gensets=("gas-1", "gas-2")),), "batteries": (),
            "pv": (), "chargers": (), "heat_pumps": (),
        }
    )  # fmt: skip


def empty(connection: Connection, home01: Site, start_by: str = "manual") -> None:
    """The hall, of which nothing was ever heard."""
    connection.exec_driver_sql(f"TRUNCATE {TABLES} CASCADE")
    registry.register(connection, [hall(home01, start_by)], NOON)


def seen(device: str, at: datetime, values: dict[str, Any], link: str = "good", **bits: bool) -> Snapshot:
    """A poll; one whose link is down knows no value."""
    is_known = link != "down"
    return Snapshot(
        site=HALL, device=device, model="HGM9520N", taken_at=at, link=Link(link),
        values=values if is_known else dict.fromkeys(values), bits=AUTO | bits if is_known else {},
        alarms=frozenset[AlarmBit]() if is_known else None,
    )  # fmt: skip


def polled(connection: Connection, at: datetime, *snapshots: Snapshot) -> None:
    """As the poller writes it and tells of it; the first set runs, the other one rests."""
    found = snapshots or (seen(SET, at, RUNNING), seen("set-2", at, RESTING), seen(BOARD, at, AT_BOARD))
    gensets.tell_live(connection, found, at)


def kept(connection: Connection, now: datetime, minutes: int = 90) -> None:
    """Minutes of the first set, which came on load half an hour ago."""
    began = now.replace(second=0, microsecond=0)
    numbers = gensets.numbers(connection, {(HALL, SET): "HGM9520N"})
    rows = [
        Minute(
            site_key=HALL, device_key=SET, minute_at=began - timedelta(minutes=back), samples=30,
            values={
                "power_w": 120_000.0 if back <= 30 else 0.0, "power_target_pct": 80.0,
                "coolant_c": 82.0 if back <= 30 else 45.0, "oil_kpa": 410.0 if back <= 30 else 0.0,
                "run_hours": 1234.5, "battery_v": 27.6,
            },
        )
        for back in range(minutes, 0, -1)
    ]  # fmt: skip
    gensets.add_minutes(connection, rows, numbers)
    change = Change(HALL, SET, began - timedelta(minutes=30), "engine_state", "standby", "running")
    gensets.add_changes(connection, [change], numbers)


def under_way(connection: Connection, step: str, entered_at: datetime, kind: str = "start") -> int:
    """A command of anna that is at a step of its sequence."""
    filed = genset_commands.file(connection, "web:anna", HALL, SET, kind, "peak tonight")
    genset_commands.confirm(connection, "web:anna", filed.number, filed.code)
    progress = {"step": step, "entered_at": entered_at.isoformat(), "trouble": ""}
    connection.execute(
        sa.text("""UPDATE ems.genset_command SET state = 'running', begun_at = :at, progress = CAST(:said AS jsonb)
                   WHERE genset_command_id = :number"""),
        {"at": entered_at, "said": json.dumps(progress), "number": filed.number},
    )
    return filed.number


def planned(connection: Connection, slot: datetime, powers_w: Sequence[float | None]) -> None:
    """The plan in force: 200 kW of load, a kWh bought at 5, sold at 1; the first set's powers, None: it stands."""
    run = {"run": "00000000-0000-0000-0000-000000000022", "at": slot, "ends": slot + len(powers_w) * SLOT}
    connection.execute(sa.text("DELETE FROM ems.planning_run WHERE planning_run_id = :run"), run)
    connection.execute(
        sa.text("""INSERT INTO ems.planning_run (planning_run_id, site_key, kind, day, decided_at, horizon_start,
                       horizon_end, status, is_verified, inputs, config_hash, code_version, recorded_at)
                   VALUES (:run, 'hall', 'rolling', CAST(:at AS timestamptz)::date, :at, :at, :ends, 'optimal', true,
                           '{}', '', '', :at)"""),
        run,
    )
    powers = "unnest(CAST(:powers AS float8[])) WITH ORDINALITY AS p (w, k)"
    at = "CAST(:at AS timestamptz) + (k - 1) * interval '15 minutes'"
    connection.execute(
        sa.text(f"""INSERT INTO ems.planning_interval (planning_run_id, starts_at, grid_w, pv_w, pv_available_w,
                        battery_w, genset_w, load_w, ev_w, heat_pump_w, buy_per_kwh, sell_per_kwh, cost, mode, reason)
                    SELECT :run, {at}, 200000 - coalesce(w, 0), 0, 0, 0, coalesce(w, 0), 200000, 0, 0, 5, 1, 0,
                           'follow', '' FROM {powers}"""),
        run | {"powers": list(powers_w)},
    )
    connection.execute(
        sa.text(f"""INSERT INTO ems.planning_device_interval (planning_run_id, starts_at, asset_key, kind, power_w,
                                                              mode)
                    SELECT :run, {at}, 'gas-1', 'genset', coalesce(w, 0), CASE WHEN w IS NULL THEN 'off' ELSE 'run' END
                    FROM {powers}"""),
        run | {"powers": list(powers_w)},
    )
