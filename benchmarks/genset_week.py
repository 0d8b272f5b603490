"""Days of two sites with two sets and a switchboard each: faults, alarms, services, plans and money, together.

    python benchmarks/genset_week.py [--days 7] [--json FILE]
    python benchmarks/genset_week.py --days 1 --until 18:00 --home .ems/gensets    # two sites to look at

The virtual plant answers as four HGM9520N and two HGM9560 over their wires; the poller's followers (live values,
routes, minutes, alarms, sequences) and its socket, telemetry, plans, control, verification, hour meters, services, the
work with a Bitrix24 portal and settlement are those of the installation. The clock is simulated and ends before today,
because functions of the database take no service that is still to come.

What is lived how closely: rounds of polls every 2 s while a set starts, stops, or is told anything, and around each
fault; else one in ten minutes, of switchboards in half an hour (their buses keep silent for 400 ms of real time before
each frame). Telemetry comes every three minutes of the evening (16:45 to 19:20), and plans are made in each of its
quarter-hours. So alarms that come and go between rounds of a quiet time are not seen, and energy is known where it is
planned.

Each evening from 17:00 to 19:00 a site draws 260 kW behind 150 kW. Days repeat in pairs; `SCRIPT` says what happens.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from benchmarks.genset_day import USUAL_W, ZONE, Polls, known, set_load, site_of  # noqa: E402
from ems_pipeline import control, time_grid  # noqa: E402
from ems_pipeline.bitrix.address import Webhook  # noqa: E402
from ems_pipeline.bitrix.portal import Portal  # noqa: E402
from ems_pipeline.bitrix.tasks import Place  # noqa: E402
from ems_pipeline.control.gateways import reading  # noqa: E402
from ems_pipeline.devices import fleet, local_socket  # noqa: E402
from ems_pipeline.devices.smartgen.channel import socket_path  # noqa: E402
from ems_pipeline.gensets.snapshot import Link, Snapshot  # noqa: E402
from ems_pipeline.gensets.states import AlarmGroup  # noqa: E402
from ems_pipeline.maintenance.template import shipped  # noqa: E402
from ems_pipeline.orchestration.machinery.instance import prepare  # noqa: E402
from ems_pipeline.plant.bitrix_twin import BitrixTwin, serving_bitrix  # noqa: E402
from ems_pipeline.plant.gensets.keys import AUTO, RESET, press  # noqa: E402
from ems_pipeline.plant.gensets.serving import ServedHall, serving_halls, two_sites  # noqa: E402
from ems_pipeline.scada.alarms import Alarms  # noqa: E402
from ems_pipeline.scada.desk import Desk  # noqa: E402
from ems_pipeline.scada.live import Live  # noqa: E402
from ems_pipeline.scada.minutes import Minutes  # noqa: E402
from ems_pipeline.scada.routes import Routes  # noqa: E402
from ems_pipeline.sites import Site  # noqa: E402
from ems_pipeline.steps import bitrix, deciding, settling  # noqa: E402
from ems_pipeline.steps.platform import Platform  # noqa: E402
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock  # noqa: E402
from ems_pipeline.warehouse import (  # noqa: E402
    Warehouse,
    embedded,
    genset_commands,
    maintenance,
    meters,
    services,
    telemetry,
)
from ems_pipeline.warehouse.frames import query  # noqa: E402
from ems_pipeline.warehouse.intents import State  # noqa: E402

SINCE_H = {("north", "genset-2"): 249.5, ("south", "genset-1"): 249.5, ("south", "genset-2"): 222.0}
"""Engine hours since TO-1."""
SETS = [(site, key) for site in ("north", "south") for key in ("genset-1", "genset-2")]
EVENING = (16.75, 19.34)
HOT = 4 * MINUTE
"""Rounds of 2 s after each entry of the script."""
STOPS = {AlarmGroup.SHUTDOWN, AlarmGroup.TRIP_STOP, AlarmGroup.SAFETY_TRIP_STOP, AlarmGroup.BLOCK}
SCRIPT: list[tuple[int, str, str, str, str]] = [
    (0, "08:00", "north", "genset-2", "work"),  # a technician begins the order of TO-1: the engine has to stand
    (0, "08:10", "north", "genset-2", "command start"),  # refused by the order's lock
    (0, "08:30", "north", "genset-2", "command stop"),  # on later days, when nothing locks it
    (0, "09:00", "north", "genset-2", "close"),  # in the portal
    (0, "10:00", "north", "genset-1", "fault crank-fail"),
    (0, "10:01", "north", "genset-1", "command start"),
    (0, "10:12", "north", "genset-1", "clear crank-fail"),
    (0, "10:13", "north", "genset-1", "command reset"),
    (0, "10:20", "north", "genset-1", "auto at panel"),
    (0, "10:30", "north", "genset-1", "command start"),
    (0, "10:45", "north", "genset-1", "command stop"),
    (0, "12:00", "south", "board", "fault blackout"),
    (0, "12:30", "south", "board", "clear blackout"),
    (0, "14:00", "north", "board", "fault half-open"),
    (0, "14:10", "north", "board", "clear half-open"),
    (0, "17:30", "north", "genset-2", "fault low-oil"),
    (0, "18:00", "north", "genset-2", "clear low-oil"),
    (0, "18:01", "north", "genset-2", "command reset"),  # never from afar: refused
    (0, "18:05", "north", "genset-2", "reset at panel"),
    (1, "08:30", "south", "genset-1", "portal down"),
    (1, "09:00", "south", "genset-1", "close"),
    (1, "10:00", "south", "genset-2", "fault meter-replaced"),
    (1, "10:30", "south", "genset-2", "enter meter"),
    (1, "10:31", "south", "genset-2", "clear meter-replaced"),  # else the next pair's would replace nothing
    (1, "11:00", "north", "genset-1", "fault alarm-storm"),
    (1, "11:04", "north", "genset-1", "clear alarm-storm"),
    (1, "12:00", "south", "genset-1", "portal up"),  # only now we hear that the task was closed
    (1, "13:00", "south", "genset-1", "fault echo-no-effect"),
    (1, "13:01", "south", "genset-1", "command start"),
    (1, "13:06", "south", "genset-1", "command power"),  # the target is echoed and has no effect
    (1, "13:20", "south", "genset-1", "clear echo-no-effect"),
    (1, "13:22", "south", "genset-1", "command stop"),
    (1, "18:20", "south", "board", "fault half-open"),  # while both sets run
    (1, "18:32", "south", "board", "clear half-open"),
]
"""Day of a pair, local time, site, controller, what. North's genset-1 begins a minute before its meter wraps."""


def main() -> None:
    """Parse, live, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--until", default="24:00", help="local time at which the last day ends")
    parser.add_argument("--home", type=Path, help="a new folder to keep what was lived in, for its pages")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    if chosen.home and chosen.home.exists():
        parser.error(f"{chosen.home} is there already; name a new folder")
    if clock_time(chosen.until) % SLOT:
        parser.error(f"{chosen.until} is no quarter-hour; name one, such as 18:00")
    logging.disable(logging.WARNING)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ems-") as folder:
        figures = lived(chosen.home or Path(folder), chosen.days, chosen.until)
    show(figures)
    print(f"\n{chosen.days} days lived in {time.monotonic() - begun:.0f} s, {time.process_time():.0f} s of processor")
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1, default=str) + "\n")


def lived(home: Path, days: int, until: str) -> dict[str, Any]:
    """The figures of days that are lived in a folder of their own."""
    for name in ("EMS_DATABASE_URL", "EMS_DAGSTER_DATABASE_URL"):
        os.environ.pop(name, None)
    confirmed = home.absolute() / "maps" / "controllers"
    confirmed.mkdir(parents=True)
    os.environ |= {"EMS_HOME": str(home.absolute()), "EMS_DEVICE_MAPS": str(confirmed.parent)}
    for model in ("hgm9520n", "hgm9560"):
        (confirmed / f"{model}.yaml").write_text(f"extends: {model}\nverified: true\n")
    try:
        return Week(prepare(), days, until).lived()
    finally:
        embedded.stop(home / "postgres")


def clock_time(said: str) -> timedelta:
    """Since midnight: ``18:00``."""
    hour, minute = map(int, said.split(":"))
    return timedelta(hours=hour, minutes=minute)


class Poller(Polls):
    """All followers of the poller, shown the rounds of both sites as simulated time passes."""

    def __init__(self, warehouse: Warehouse, clock: SimulatedClock, sites: list[Site]) -> None:
        super().__init__(warehouse, clock, sites[0])
        self._sites, self.hot_until, self.rounds, self.with_board = sites, clock.now(), 0, True
        self.down: Counter[tuple[str, str]] = Counter()
        self.total: Counter[tuple[str, str]] = Counter()
        alarms = Alarms(warehouse, {})
        alarms.follow(sites)

        def trouble(key: tuple[str, str]) -> str:
            standing = self._yard.standing
            return standing[key].polled.trouble if key in standing else ""

        self._followers = [
            Live(warehouse, lambda: set(self._yard.standing)),
            Routes(warehouse, lambda: set(self._yard.standing), trouble),
            Minutes(warehouse),
            alarms,
            self._sequences,
        ]

    async def _opened(self) -> None:
        if faults := await self._yard.follow(self._sites):
            raise RuntimeError("; ".join(faults))
        desk = Desk(self._yard, self._clock, lambda: self.polled_at, self._sequences)
        self._listening = await local_socket.listen(socket_path(), desk.answer)
        await self._round()

    def _is_moving(self) -> bool:
        return self._clock.now() < self.hot_until or super()._is_moving()

    async def _round(self, devices: Any = ("genset-1", "genset-2", "board")) -> None:
        asked = [device for device in devices if device != "board" or self.with_board]
        polled = [one for (_, device), one in self._yard.standing.items() if device in asked]
        found = await asyncio.gather(*(one.polled.poll() for one in polled))
        for one, snapshot in zip(polled, found, strict=True):
            one.snapshot = snapshot
        before, self.polled_at = self.polled_at, self._clock.now()
        self.rounds += 1
        self._count(found, (self.polled_at - before).total_seconds())
        for follower in self._followers:
            await follower.seen(self.polled_at, found)
        await self._sequences.rest()

    def _count(self, found: list[Snapshot], passed_s: float) -> None:
        """Seconds in which a set could not have run by itself: not heard, stopped by an alarm, or not in AUTO."""
        for one in found:
            if one.device != "board":
                self.total[one.site, one.device] += round(passed_s)
                is_led = one.bits.get("mode_auto") or one.values.get("engine_state") == "running"
                if one.link is not Link.GOOD or any(bit.group in STOPS for bit in one.alarms or ()) or not is_led:
                    self.down[one.site, one.device] += round(passed_s)


class Week:
    """Two sites, their people, and what is due when."""

    def __init__(self, warehouse: Warehouse, days: int, until: str = "24:00") -> None:
        today, _ = time_grid.day_bounds(time_grid.local_day(datetime.now(UTC), ZONE), ZONE)
        self.warehouse, self.days = warehouse, days
        self.start, self.end = today - timedelta(days=days), today - timedelta(days=1) + clock_time(until)
        self.clock = SimulatedClock(self.start - 10 * MINUTE)
        self.refused: list[str] = []
        self.unfollowed = 0

    def lived(self) -> dict[str, Any]:
        """Live the days; their figures."""
        with ExitStack() as stack:
            self.halls = stack.enter_context(serving_halls(two_sites(load_w=USUAL_W), self.clock))
            self.twin: BitrixTwin = stack.enter_context(serving_bitrix(self.clock))
            self.halls["north"].inject("wrap", "genset-1")
            self.sites = [site_of(hall, key, late_service_price_per_h=100) for key, hall in self.halls.items()]
            self.office = bitrix.Office(
                Portal(Webhook.of(self.twin.webhook), self.clock, timeout_s=5.0), Place(7), "en"
            )
            known(self.warehouse, self.sites, self.clock.now(), self.start, self.end)
            self.polls = Poller(self.warehouse, self.clock, self.sites)
            self.polls.begin()
            stack.callback(self.polls.end)
            for _ in range(4):  # minutes are stored, and with the first each controller is known
                self.polls.pass_to(self.clock.now() + MINUTE)
            self.serviced()
            script = list(self.script())
            for at in self.moments([(when, device) for when, _, device, _ in script]):
                minute = int((at - self.start) / MINUTE)
                has_board = minute % 30 == 0 or self.is_evening(at) or any(when == at for when, *_ in script)
                self.polls.with_board = has_board or at < self.polls.hot_until + MINUTE
                self.polls.pass_to(at)
                while script and script[0][0] <= at:
                    _, site, device, what = script.pop(0)
                    self.happen(site, device, what, at)
                self.tick(at)
        with self.warehouse.begin() as connection:
            for site in self.sites:
                telemetry.fill_15m(connection, site.key, self.start, self.end, self.clock.now())
                settling.settle_slots(connection, site, self.start, self.end, self.clock.now())
                for day in range(self.days):
                    local = time_grid.local_day(self.start + timedelta(days=day, hours=12), ZONE)
                    settling.settle_day(connection, site, *time_grid.day_bounds(local, ZONE), self.clock.now())
        return figures(self)

    def serviced(self) -> None:
        """Every set has a plan: two are half an hour before TO-1, one has 28 h to it, of one it was done 100 h ago."""
        with self.warehouse.begin() as connection:
            maintenance.acting_for(connection, "anna")
            template = maintenance.add_template(connection, shipped()[0])
            meters.advance(connection, self.clock.now())
            found = connection.exec_driver_sql("SELECT site_key, asset_key, hours FROM ems.genset_meter").all()
            for site, asset, hours in found:
                since = SINCE_H.get((site, asset), 100.0)
                done_at = (self.start - timedelta(days=40)).isoformat()
                done = [{"level": f"TO-{n}", "done_h": hours - since, "done_at": done_at} for n in (1, 2, 3, 4)]
                maintenance.put_plan(connection, site, asset, template, done)
            services.settle(connection, self.clock.now())
            print(f"{len(found)} meters have begun: {[(s, a, round(h, 2)) for s, a, h in found]}", flush=True)

    def script(self) -> Iterator[tuple[datetime, str, str, str]]:
        """What happens when, of all days."""
        for day in range(self.days):
            for of, at, site, device, what in SCRIPT:
                when = self.start + timedelta(days=day) + clock_time(at)
                if of == day % 2 and when < self.end:
                    yield when, site, device, what

    def moments(self, scripted: list[tuple[datetime, str]]) -> list[datetime]:
        """When anything is due; a switchboard in trouble is looked at each minute: three lost polls are a loss."""
        found = {when + n * MINUTE for when, device in scripted for n in range(6 if device == "board" else 1)}
        for n in range(int((self.end - self.start) / MINUTE)):
            at = self.start + n * MINUTE
            if n % 10 == 0 or n % 15 == 0 or (self.is_evening(at) and (n % 3 == 0 or n % 15 == 14)):
                found.add(at)
        return sorted(found)

    def is_evening(self, at: datetime) -> bool:
        hour = at.astimezone(ZONE).hour + at.astimezone(ZONE).minute / 60
        return EVENING[0] <= hour < EVENING[1]

    def happen(self, site: str, device: str, what: str, at: datetime) -> None:
        """An entry of the script."""
        print(f"{at.astimezone(ZONE):%a %H:%M} {site} {device}: {what}", flush=True)
        self.polls.hot_until = at + HOT
        hall, (kind, *rest) = self.halls[site], what.split()
        doing: Mapping[str, Callable[[], None]] = {
            "fault": lambda: hall.inject(rest[0], device),
            "clear": lambda: hall.clear(rest[0], device),
            "command": lambda: self.command(site, device, rest[0]),
            "auto": lambda: self.press(hall, device, AUTO),
            "reset": lambda: (self.press(hall, device, RESET), self.press(hall, device, AUTO))[-1],
            "work": lambda: self.work(site, device),
            "close": lambda: self.close(site, device),
            "portal": lambda: {"down": self.twin.faults.add, "up": self.twin.faults.discard}[rest[0]]("down"),
            "enter": lambda: self.enter(site, device, at),
        }
        doing[kind]()

    def press(self, hall: ServedHall, device: str, key: int) -> None:
        """Somebody at the panel."""
        with hall.standing.lock:
            press(hall.hall.sets[device], key)
            hall.hall.touch()

    def command(self, site: str, device: str, kind: str) -> None:
        """A person's, confirmed at once."""
        try:
            with self.warehouse.begin() as connection:
                power_w = 120_000.0 if kind in ("start", "power") else None
                filed = genset_commands.file(connection, "anna", site, device, kind, "as the script says", power_w)
                genset_commands.confirm(connection, "anna", filed.number, filed.code)
                connection.exec_driver_sql(  # the database has its own clock
                    "UPDATE ems.genset_command SET asked_at = %s WHERE genset_command_id = %s",
                    (self.clock.now(), filed.number),
                )
        except genset_commands.CommandRefused as error:
            self.refused.append(f"{site} {device} {kind}: {error}")
            print(f"    refused: {error}")
        self.polls.hot_until = self.clock.now() + 2 * HOT

    def work(self, site: str, device: str) -> None:
        """A technician answers the first line of the order."""
        with self.warehouse.begin() as connection:
            maintenance.acting_for(connection, "technician")
            for (order,) in connection.exec_driver_sql(
                "SELECT order_id FROM ems.maintenance_order WHERE state = 'open' AND site_key = %s AND asset_key = %s",
                (site, device),
            ).all():
                maintenance.answer(connection, order, "T1-01", "done")

    def close(self, site: str, device: str) -> None:
        """Somebody ticks all lines in the portal and closes the task."""
        with self.warehouse.begin() as connection:
            found = connection.exec_driver_sql(
                "SELECT t.task_id FROM ems.bitrix_task t JOIN ems.maintenance_order o USING (order_id) "
                "WHERE o.state = 'open' AND o.site_key = %s AND o.asset_key = %s AND t.task_id IS NOT NULL",
                (site, device),
            ).all()
        for (task,) in found:
            for line in self.twin.tasks[task].lines:
                if line.parent:
                    line.is_done, line.by, line.at = True, 12, self.clock.now()
            self.twin.close(task, by=12)

    def enter(self, site: str, device: str, at: datetime) -> None:
        """A person says that the meter was replaced."""
        with self.warehouse.begin() as connection:
            maintenance.acting_for(connection, "anna")
            maintenance.enter_meter(connection, site, device, "replaced", 0.0, at, None, "a new controller")

    def tick(self, at: datetime) -> None:
        """What the clock work of an installation does."""
        for hall in self.halls.values():
            set_load(hall, at)
        minute = int((at - self.start) / MINUTE)
        if self.is_evening(at):
            self.measure()
        if minute % 15 == 0:
            self.quarter(at)
        if self.is_evening(at):
            if minute % 15 == 14:
                self.plan(at)
            outcomes = (
                control.run_control(self.warehouse, self.sites, at, self.clock.now(), self.clock)
                if minute % 15 == 0
                else []
            )
            outcomes += control.run_verification(self.warehouse, self.sites, self.clock.now(), self.clock)
            for one in outcomes:
                if one.state in (State.SENT, State.ECHOED):
                    self.polls.told_at = self.clock.now()

    def quarter(self, at: datetime) -> None:
        """Means, meters, services, and the portal."""
        now = self.clock.now()
        with self.warehouse.begin() as connection:
            for site in self.sites:
                telemetry.fill_15m(connection, site.key, at - 2 * SLOT, time_grid.floor_slot(at), now)
            meters.advance(connection, now)
            meters.look_around(connection, now)
            services.settle(connection, now)
        if bitrix.is_due(self.warehouse, now):
            bitrix.synchronise(self.warehouse, self.clock, self.office)

    def plan(self, at: datetime) -> None:
        """Rolling plans of both sites."""
        platform = Platform(self.warehouse, self.clock, lambda: self.sites)
        wanted = deciding.Wanted("rolling", time_grid.local_day(at, ZONE), self.clock.now())
        for site, decide in deciding.decisions(platform, self.sites, wanted, logging.getLogger("plans")):
            if faults := decide().faults:
                self.unfollowed += 1
                print(f"{at.astimezone(ZONE):%a %H:%M} {site.key}: the plan may not be followed: {faults}"[:200])

    def measure(self) -> None:
        """One sweep over all devices of both sites."""
        now = self.clock.now()
        with reading(self.warehouse, "telemetry") as turns, fleet.runner() as loop:
            opened = [fleet.open_site(site, self.clock) for site in self.sites]
            try:
                due = fleet.due_groups(time_grid.floor_minute(now))
                sweep = loop.run(fleet.read_all(opened, {}, due, self.clock, turns))
            finally:
                loop.run(fleet.close_all(opened))
        with self.warehouse.begin() as connection:
            telemetry.store(connection, [(key, one) for key, found in sweep.readings.items() for one in found])


ASKED: Mapping[str, str] = {
    "alarms": """SELECT site_key AS site, group_name AS class, count(*) AS alarms, sum(times) AS times,
                        count(*) FILTER (WHERE place = 1) AS first_out,
                        count(*) FILTER (WHERE ended_at IS NULL) AS standing
                 FROM ems.genset_alarm GROUP BY 1, 2 ORDER BY 1, 2""",
    "first out": """SELECT site_key AS site, device_key AS device, group_name AS class, name, count(*) AS times
                    FROM ems.genset_alarm WHERE place = 1 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
    "told to people": """SELECT site_key AS site, split_part(kind, ':', 1) AS kind, count(*) AS alarms,
                                sum(times) AS times, count(*) FILTER (WHERE cleared_at IS NULL) AS open
                         FROM ems.alarm GROUP BY 1, 2 ORDER BY 1, 2""",
    "lost links": """
        WITH lost AS (
            SELECT k.site_key, k.device_key, k.controller_id, c.at AS lost_at,
                   (SELECT max(b.at) FROM ems.genset_change b WHERE b.controller_id = c.controller_id
                        AND b.name = 'link' AND b.became = 'stale' AND b.at <= c.at) AS silent_at,
                   (SELECT min(b.at) FROM ems.genset_change b WHERE b.controller_id = c.controller_id
                        AND b.name = 'link' AND b.became = 'good' AND b.at > c.at) AS heard_at
            FROM ems.genset_change c JOIN ems.genset_controller k USING (controller_id)
            WHERE c.name = 'link' AND c.became = 'down')
        SELECT site_key AS site, device_key AS device, to_char(lost_at AT TIME ZONE 'Europe/Prague', 'MM-DD HH24:MI')
                   AS lost, to_char(heard_at AT TIME ZONE 'Europe/Prague', 'HH24:MI') AS heard,
               (SELECT string_agg(kind, ', ') FROM ems.alarm a WHERE a.site_key = l.site_key
                    AND a.raised_at >= silent_at AND a.raised_at < heard_at) AS people_heard,
               (SELECT string_agg(e.what || ' ' || a.name, ', ' ORDER BY e.at)
                FROM ems.genset_alarm_event e JOIN ems.genset_alarm a USING (genset_alarm_id)
                WHERE a.site_key = l.site_key AND e.at >= silent_at AND e.at < heard_at) AS alarms,
               (SELECT count(*) FROM ems.genset_minute m WHERE m.controller_id = l.controller_id
                    AND m.minute_at > silent_at AND m.minute_at < heard_at - interval '1 minute') AS minutes,
               (SELECT count(*) FROM ems.telemetry t JOIN ems.point p USING (point_id)
                WHERE p.site_key = l.site_key AND p.device_key = l.device_key AND t.value IS NOT NULL
                    AND t.reported_at > lost_at AND t.reported_at < heard_at) AS measured
        FROM lost l ORDER BY lost_at""",
    "services": """SELECT a.site_key AS site, a.asset_key AS asset, a.level, a.severity, a.resolved_by,
                          o.state AS "order", o.done_h, t.state AS task
                   FROM ems.maintenance_alert a LEFT JOIN ems.bitrix_task t USING (alert_id)
                   LEFT JOIN ems.maintenance_order o USING (order_id) ORDER BY 1, 2, 3""",
    "meters": """SELECT site_key AS site, asset_key AS asset, round(hours::numeric, 2)::float8 AS hours,
                        round(register_h::numeric, 2)::float8 AS register_h, coalesce(doubt, '') AS doubt
                 FROM ems.genset_meter ORDER BY 1, 2""",
    "locks": """SELECT site_key AS site, device_key AS device, source, placed_by, lifted_at IS NOT NULL AS is_lifted
                FROM ems.genset_lockout ORDER BY genset_lockout_id""",
    "commands": """SELECT site_key AS site, device_key AS device, kind,
                          CASE asked_by WHEN 'dispatch' THEN 'plan' ELSE 'person' END AS by, state,
                          left(state_reason, 70) AS why, count(*) AS times
                   FROM ems.genset_command GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 4, 3, 5""",
    "set-points": """SELECT site_key AS site, state, count(*) AS told, count(effective_at) AS proved
                     FROM ems.setpoint WHERE NOT is_shadow GROUP BY 1, 2 ORDER BY 1, 2""",
    "plan and actual": """SELECT site_key AS site, to_char(starts_at AT TIME ZONE 'Europe/Prague', 'MM-DD') AS day,
                                 count(*) AS slots,
                                 round((sum(planned_genset_w) / 4000)::numeric, 1)::float8 AS planned_kwh,
                                 round((sum(genset_w) / 4000)::numeric, 1)::float8 AS measured_kwh,
                                 round((max(grid_w) / 1000)::numeric, 1)::float8 AS grid_peak_kw
                          FROM ems.audit_interval WHERE planned_genset_w IS NOT NULL AND genset_w IS NOT NULL
                          GROUP BY 1, 2 ORDER BY 1, 2""",
    "money": """SELECT site_key AS site, to_char(starts_at AT TIME ZONE 'Europe/Prague', 'MM-DD') AS day,
                       count(*) AS slots, round(sum(cost)::numeric, 1)::float8 AS cost,
                       round(sum(genset_fuel_cost)::numeric, 1)::float8 AS fuel,
                       round(sum(genset_start_cost)::numeric, 1)::float8 AS starts,
                       round(sum(genset_service_cost)::numeric, 1)::float8 AS service,
                       round(sum(no_genset_cost)::numeric, 1)::float8 AS without_sets
                FROM ems.audit_interval WHERE cost IS NOT NULL AND no_genset_cost IS NOT NULL
                GROUP BY 1, 2 ORDER BY 1, 2""",
}  # fmt: skip
"""Tables of the end, each of the installation's own rows."""


def figures(week: Week) -> dict[str, Any]:
    """What came of it."""
    polls = week.polls
    available = [
        {"site": site, "set": key, "observed_h": round(polls.total[site, key] / 3600, 2),
         "not_ready_h": round(polls.down[site, key] / 3600, 2),
         "available_pct": round(100 * (1 - polls.down[site, key] / max(1, polls.total[site, key])), 2)}
        for site, key in SETS
    ]  # fmt: skip
    found: dict[str, Any] = {"availability": available}
    with week.warehouse.begin() as connection:
        for name, statement in ASKED.items():
            found[name] = query(connection, statement).to_dicts()
    found["refused before filing"] = [{"what": one} for one in week.refused]
    task = [{"task": n, "title": t.title, "status": t.status} for n, t in week.twin.tasks.items()]
    found["portal"] = [*task, {"task": "requests", "title": str(week.twin.requests), "status": ""}]
    found["rounds"] = [{"rounds": polls.rounds, "plans not followed": week.unfollowed}]
    return found


def show(found: Mapping[str, list[Mapping[str, Any]]]) -> None:
    """Print each table."""
    for name, rows in found.items():
        print(f"\n{name}: {'none' if not rows else ''}")
        if rows:
            texts = [list(rows[0]), *([str("" if one is None else one) for one in row.values()] for row in rows)]
            widths = [max(len(text[n]) for text in texts) for n in range(len(texts[0]))]
            for text in texts:
                print("  " + "  ".join(one.ljust(width) for one, width in zip(text, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
