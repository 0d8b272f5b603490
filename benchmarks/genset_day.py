"""An evening of a site with two sets: the plan starts them for the peak, their controllers obey, and it is settled.

    python benchmarks/genset_day.py [--from 15 --to 21] [--fault crank-fail] [--json FILE]

The virtual plant answers as two HGM9520N and a HGM9560 over their wires; the poller's parts (yard, sequences, socket),
telemetry, the rolling plan, control, verification and settlement are those of the installation, the clock is simulated.
A dairy draws 60 kW, and 260 kW from 17:00 to 19:00 behind a connection of 150 kW; a kWh costs 3 CZK, in these hours 9.
Printed: what each quarter-hour was planned and measured to be, what was told and proved, and the day's money from its
audit rows. Exit code 1: a set was not started for the peak, or its run was neither proved nor settled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from ems_pipeline import control, time_grid
from ems_pipeline.control.gateways import reading
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.devices import fleet, local_socket
from ems_pipeline.devices.smartgen.channel import socket_path
from ems_pipeline.orchestration.machinery.instance import prepare
from ems_pipeline.plant.gensets import Hall
from ems_pipeline.plant.gensets.serving import ServedHall, serving_halls
from ems_pipeline.scada.desk import Desk
from ems_pipeline.scada.sequences import Sequences
from ems_pipeline.scada.yard import Yard
from ems_pipeline.sites import Site, load_site
from ems_pipeline.steps import deciding, settling
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock
from ems_pipeline.warehouse import Warehouse, arming, embedded, forecasts, market, telemetry
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import State

DAY, ZONE = date(2026, 11, 30), time_grid.zone("Europe/Prague")
KEY = "dairy"
USUAL_W, PEAK_W = 60_000.0, 260_000.0
PEAK_HOURS = range(17, 19)
BEATS = (0, 10, 30)
MOVES = 4 * MINUTE
"""So long after something was told every step of it is seen."""
QUICK_S = 2.0
"""Simulated seconds between polls while a set moves; while all rest only what is due is preceded by one."""
SITE = """
key: dairy
name: Dairy
timezone: Europe/Prague
latitude: 50.66
longitude: 14.03
market_zone: none
currency: CZK
usual_load_w: 60000
grid: {import_limit_w: 150000, export_limit_w: 50000, phases: 3}
tariff:
  name: two prices
  currency: CZK
  periods:
    - valid_from: 2024-01-01
      vat: 0.0
      energy: {kind: fixed, price_per_kwh: 3.0}
      distribution: {high_per_kwh: 0.0}
      sell: {kind: fixed, price_per_kwh: 0.5}
control: {enabled: true}
gensets: []
gateways: []
devices: []
"""
SET = {
    "min_power_w": 48_000, "max_power_w": 160_000, "low_load_pct": 50, "service_cost_per_h": 60, "lead_s": 180,
    "cool_down_s": 180, "ramp_pct_per_s": 3, "max_starts_per_day": 6, "max_starts_per_2h": 2, "min_run_minutes": 60,
    "min_pause_minutes": 15, "quiet_hours": [{"start": "22:00", "end": "06:00"}],
    "fuel": {"prices": [{"valid_from": "2026-01-01", "per_m3": 14.0}]},
}  # fmt: skip


def main() -> None:
    """Parse, live, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="first", type=float, default=16.5, help="local hour at which it begins")
    parser.add_argument("--to", type=float, default=20.0, help="local hour at which it ends")
    parser.add_argument("--fault", help="switched on at genset-1 when the peak begins (docs/plant.md)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        os.environ["EMS_HOME"] = folder
        for name in ("EMS_DATABASE_URL", "EMS_DAGSTER_DATABASE_URL"):
            os.environ.pop(name, None)
        confirmed = Path(folder) / "maps" / "controllers"
        confirmed.mkdir(parents=True)
        (confirmed / "hgm9520n.yaml").write_text("extends: hgm9520n\nverified: true\n")
        os.environ["EMS_DEVICE_MAPS"] = str(confirmed.parent)
        try:
            figures = lived(prepare(), chosen.first, chosen.to, chosen.fault)
        finally:
            embedded.stop(Path(folder) / "postgres")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1, default=str) + "\n")
    sys.exit(not figures["is_right"])


def lived(warehouse: Warehouse, first: float, to: float, fault: str | None) -> dict[str, Any]:
    """Live the hours and print them; what came of them."""
    midnight, _ = time_grid.day_bounds(DAY, ZONE)
    start, end = (time_grid.floor_slot(midnight + timedelta(hours=hour)) for hour in (first, to))
    clock = SimulatedClock(start - 5 * MINUTE)
    hall = Hall({"genset-1": 160e3, "genset-2": 160e3}, 1, USUAL_W)
    with serving_halls({"dairy": hall}, clock) as halls:
        served = halls["dairy"]
        site = site_of(served)
        known(warehouse, [site], clock.now(), start, end)
        with polling(warehouse, clock, site) as polls:
            for at in moments(start - 4 * MINUTE, end):
                set_load(served, at)
                if fault and at == midnight + timedelta(hours=PEAK_HOURS.start, minutes=-5):
                    served.inject(fault, "genset-1")
                polls.pass_to(at)
                if tick(warehouse, site, clock, at):
                    polls.told_at = clock.now()
    with warehouse.begin() as connection:
        telemetry.fill_15m(connection, KEY, start, end, clock.now())
        settling.settle_slots(connection, site, start, end, clock.now())
        settling.settle_day(connection, site, *time_grid.day_bounds(DAY, ZONE), clock.now())
    return shown(warehouse, start, end)


def site_of(served: ServedHall, site_key: str = KEY, **more: float) -> Site:
    """A site of two sets, its controllers where the plant serves them; ``more`` is said of each set."""
    document = yaml.safe_load(SITE) | {"key": site_key, "name": site_key.title()}
    for key in ("genset-1", "genset-2"):
        document["gensets"].append({"key": key, "device": key, **SET, **more})
        options = {"rated_power_w": 160_000, "start_by": "manual", "jacket_min_c": "off"}
        document["devices"].append({"key": key, "map": "smartgen-hgm9520n", "gateway": key, "unit_id": 1,
                                    "options": options})  # fmt: skip
    document["devices"].append({"key": "board", "map": "smartgen-hgm9560", "gateway": "board", "unit_id": 3,
                                "options": {"rated_power_w": 320_000}})  # fmt: skip
    document["switchboards"] = [
        {"key": "board", "device": "board", "gensets": ["genset-1", "genset-2"], "spare_w": 20_000}
    ]
    for key, gateway in served.gateways.items():
        transport = "rtu-over-tcp" if key == "board" else "modbus-tcp"
        document["gateways"].append({"key": key, "transport": transport, "host": gateway.host, "port": gateway.port})
    path = Path(os.environ["EMS_HOME"]) / f"{site_key}.yaml"
    path.write_text(json.dumps(document, default=str, indent=1))
    return load_site(path, {})


def known(warehouse: Warehouse, sites: Sequence[Site], now: datetime, start: datetime, end: datetime) -> None:
    """Register and arm the sites; their prices and what load is expected, as known now."""
    slots = time_grid.slots(start - SLOT, end + 8 * SLOT)
    frame = pl.DataFrame({"starts_at": slots}, schema={"starts_at": pl.Datetime("us", "UTC")})
    is_peak = pl.col("starts_at").dt.convert_time_zone("Europe/Prague").dt.hour().is_in(list(PEAK_HOURS))
    expected = pl.when(is_peak).then(PEAK_W).otherwise(USUAL_W)
    load = frame.with_columns(power_w=expected, p10_w=expected, p90_w=expected, model=pl.lit("known"))
    with warehouse.begin() as connection:
        registry.register(connection, sites, now)
        for site in sites:
            arming.arm(connection, site.key, now, by="benchmark")
            prices = frame.with_columns(
                site_key=pl.lit(site.key), buy_per_kwh=pl.when(is_peak).then(9.0).otherwise(3.0),
                sell_per_kwh=pl.lit(0.5), spot_per_kwh=pl.lit(0.0), currency=pl.lit("CZK"),
                is_provisional=pl.lit(False), known_at=pl.lit(now),
            )  # fmt: skip
            market.add_effective_prices(connection, prices, now)
            forecasts.issue(connection, "load_forecast", site.key, load, now)


def moments(start: datetime, end: datetime) -> Iterator[datetime]:
    """When anything is due: at the seconds 0, 10 and 30 of each minute."""
    for minute in range(int((end - start) / MINUTE)):
        yield from (start + minute * MINUTE + timedelta(seconds=seconds) for seconds in BEATS)
    yield end


def set_load(served: ServedHall, at: datetime) -> None:
    """What the dairy draws now."""
    wanted = PEAK_W if at.astimezone(ZONE).hour in PEAK_HOURS else USUAL_W
    if served.hall.load_w != wanted:
        served.hall.load_w = wanted
        served.hall.touch()


def tick(warehouse: Warehouse, site: Site, clock: SimulatedClock, at: datetime) -> bool:
    """What the clock work of an installation does at this instant; whether a set was told anything."""
    outcomes: list[Outcome] = []
    seconds = int((at - time_grid.floor_slot(at)).total_seconds())
    if seconds % 60 == 10:
        measure(warehouse, site, clock)
    if seconds == 10:
        with warehouse.begin() as connection:
            telemetry.fill_15m(connection, KEY, at - 2 * SLOT, time_grid.floor_slot(at), clock.now())
    if seconds == 840:
        platform = Platform(warehouse, clock, lambda: [site])
        wanted = deciding.Wanted("rolling", DAY, clock.now())
        for _, decide in deciding.decisions(platform, [site], wanted, logging.getLogger("plans")):
            if faults := decide().faults:
                print(f"{at.astimezone(ZONE):%H:%M} the plan may not be followed: {faults}")
    if seconds == 0:
        outcomes += control.run_control(warehouse, [site], at, clock.now(), clock)
    if seconds % 120 == 30:
        outcomes += control.run_verification(warehouse, [site], clock.now(), clock)
    for one in outcomes:
        print(f"{clock.now().astimezone(ZONE):%H:%M:%S} {one.device}: {one.state} {one.text[:110]}", flush=True)
    return any(one.state in (State.SENT, State.ECHOED) for one in outcomes)


def measure(warehouse: Warehouse, site: Site, clock: SimulatedClock) -> None:
    """One sweep over all devices."""
    now = clock.now()
    with reading(warehouse, "telemetry") as turns, fleet.runner() as loop:
        opened = [fleet.open_site(site, clock)]
        try:
            sweep = loop.run(fleet.read_all(opened, {}, fleet.due_groups(time_grid.floor_minute(now)), clock, turns))
        finally:
            loop.run(fleet.close_all(opened))
    with warehouse.begin() as connection:
        telemetry.store(connection, [(key, one) for key, found in sweep.readings.items() for one in found])


class Polls:
    """The poller's parts in a thread of their own, polling as simulated time passes."""

    def __init__(self, warehouse: Warehouse, clock: SimulatedClock, site: Site) -> None:
        self._clock, self._site = clock, site
        self._yard = Yard(clock)
        self._sequences = Sequences(warehouse, self._yard.controller, clock=clock)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.polled_at = clock.now()
        self.told_at = clock.now() - MOVES
        """When a set was told anything last."""

    def begin(self) -> None:
        """Listen for drivers, and know the controllers."""
        self._thread.start()
        self._done(self._opened())

    def end(self) -> None:
        """Let go of wires and socket."""
        self._done(self._closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def pass_to(self, at: datetime) -> None:
        """Let time pass up to an instant, with polls on the way; control may have been there already."""
        while self._is_moving() and self._clock.now() + timedelta(seconds=QUICK_S) < at:
            self._clock.advance_to(self._clock.now() + timedelta(seconds=QUICK_S))
            self._done(self._round(["genset-1", "genset-2"]))
        self._clock.wait_until(at)
        self._done(self._round())

    def _is_moving(self) -> bool:
        seen = [one.snapshot for one in self._yard.standing.values() if one.snapshot is not None]
        states = {one.values.get("engine_state") for one in seen} - {None}
        return self._clock.now() < self.told_at + MOVES or not states <= {"standby", "running"}

    async def _opened(self) -> None:
        if faults := await self._yard.follow([self._site]):
            raise RuntimeError("; ".join(faults))
        desk = Desk(self._yard, self._clock, lambda: self.polled_at, self._sequences)
        self._listening = await local_socket.listen(socket_path(), desk.answer)
        await self._round()

    async def _round(self, devices: Collection[str] = ("genset-1", "genset-2", "board")) -> None:
        polled = [one for (_, device), one in self._yard.standing.items() if device in devices]
        for one in polled:
            one.snapshot = await one.polled.poll()
        self.polled_at = self._clock.now()
        snapshots = [one.snapshot for one in polled if one.snapshot is not None]
        await self._sequences.seen(self.polled_at, snapshots)
        await self._sequences.rest()

    async def _closed(self) -> None:
        self._listening.close()
        await self._sequences.rest()
        await self._yard.close()

    def _done(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)


@contextmanager
def polling(warehouse: Warehouse, clock: SimulatedClock, site: Site) -> Iterator[Polls]:
    """Polls at work until the block ends."""
    polls = Polls(warehouse, clock, site)
    polls.begin()
    try:
        yield polls
    finally:
        polls.end()


SLOTS = """
    SELECT starts_at, planned_grid_w, planned_genset_w, grid_w, genset_w, load_w, genset_fuel_cost, genset_start_cost,
           genset_service_cost, planned_genset_cost, cost, no_genset_cost, buy_per_kwh
    FROM ems.audit_interval WHERE site_key = :site AND starts_at >= :start AND starts_at < :end ORDER BY starts_at"""
TOLD = """
    SELECT device_key, intended_at, slot, command ->> 'run' AS run, command ->> 'power_w' AS power_w, source, state,
           reason, effective_at
    FROM ems.setpoint WHERE site_key = :site AND NOT is_shadow ORDER BY intended_at"""

STEPS = """
    SELECT s.at, c.device_key, c.kind, s.step, s.action, s.reason, c.state, c.state_reason
    FROM ems.genset_command_step s JOIN ems.genset_command c USING (genset_command_id)
    WHERE c.site_key = :site ORDER BY s.genset_command_step_id"""


def shown(warehouse: Warehouse, start: datetime, end: datetime) -> dict[str, Any]:
    """Print the evening; its figures."""
    with warehouse.begin() as connection:
        slots = query(connection, SLOTS, site=KEY, start=start, end=end)
        told = query(connection, TOLD, site=KEY)
        (day,) = query(connection, "SELECT * FROM ems.vw_audit_summary").to_dicts()
        steps = query(connection, STEPS, site=KEY)
    for row in steps.iter_rows(named=True):
        print(f"{row['at'].astimezone(ZONE):%H:%M:%S} {row['device_key']}: {row['kind']} {row['step']} {row['action']} "
              f"{row['reason']} ({row['state']} {row['state_reason'][:80]})")  # fmt: skip
    print("slot   price  grid kW plan/meas  gensets kW plan/meas   fuel  start service  cost  without sets")
    for row in slots.iter_rows(named=True):
        kw = [_kw(row[n]) for n in ("planned_grid_w", "grid_w", "planned_genset_w", "genset_w")]
        costs = [row[n] for n in ("genset_fuel_cost", "genset_start_cost", "genset_service_cost", "cost",
                                  "no_genset_cost")]  # fmt: skip
        money = " ".join(f"{'-' if c is None else f'{c:.1f}':>7}" for c in costs)
        print(f"{row['starts_at'].astimezone(ZONE):%H:%M}  {row['buy_per_kwh']:4.1f}   {kw[0]:>7} {kw[1]:>7}   "
              f"{kw[2]:>7} {kw[3]:>7}  {money}")  # fmt: skip
    for row in told.iter_rows(named=True):
        proved = f"proved {row['effective_at'].astimezone(ZONE):%H:%M:%S}" if row["effective_at"] else "not proved"
        print(f"{row['intended_at'].astimezone(ZONE):%H:%M:%S} {row['device_key']}: run {row['run']} at "
              f"{row['power_w']} W by {row['source']}, {row['state']}, {proved}: {row['reason'][:60]}")  # fmt: skip
    for name in ("cost", "planned_cost", "genset_cost", "no_genset_cost", "no_genset_saving", "genset_kwh",
                 "no_genset_over_kwh", "import_peak_kw", "no_genset_peak_kw", "genset_co2_kg"):  # fmt: skip
        print(f"{name:20s} {'unknown' if day[name] is None else f'{day[name]:.2f}'}")
    runs = told.filter(pl.col("run") == "true")
    is_right = bool(
        runs["effective_at"].is_not_null().any() and day["genset_cost"] and slots["genset_w"].fill_null(0).max() > 0
    )
    return {
        "is_right": is_right,
        "day": day,
        "slots": slots.to_dicts(),
        "told": told.to_dicts(),
    }


def _kw(power_w: float | None) -> str:
    return "-" if power_w is None else f"{power_w / 1000:.1f}"


if __name__ == "__main__":
    main()
