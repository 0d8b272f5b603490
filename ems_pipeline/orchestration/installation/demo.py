"""The demonstration: a site's past and some days in closed loop, on the virtual plant and a simulated clock.

Nothing in it is special to the demo: the runs are those of the daemon, the devices answer over Modbus TCP and HTTP,
the documents come over HTTP in the shapes of the market operator and the weather service.
"""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from ems_pipeline import control, plant, time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.installation.closed_loop import ClosedLoop
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.machinery.instance import open_instance, prepare
from ems_pipeline.report.account import Account
from ems_pipeline.sites import Site, load_site
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock, SystemClock
from ems_pipeline.warehouse import Warehouse, accounts, arming, embedded, home_lock, local, people
from ems_pipeline.warehouse import sites as registry

LAST_LOOK = timedelta(seconds=90)
"""Before the end of the last day: its last minute is measured then, and the next day has not begun."""
MARKER = "demo"
"""File that says a folder is a demonstration's and may be begun anew."""


@dataclass(frozen=True)
class Demonstration:
    """What to demonstrate: ``days`` local days from ``first`` (None: today) after ``history_days`` filled ones."""

    site_file: Path
    replay: tuple[Path, ...] = ()
    price_zone: str | None = None
    first: date | None = None
    days: int = 1
    history_days: int = 7
    seed: int = 1
    visitor: tuple[str, str] | None = None
    """Name and hash of the password of somebody who may look at it afterwards."""


@dataclass
class Outcome:
    """What came of it, and how long it took."""

    account: Account
    runs: int
    wall_s: float
    ended_at: datetime
    failures: list[str] = field(default_factory=list)


def fresh_home(folder: Path) -> Path:
    """An empty folder for a demonstration; one that holds anything else is refused.

    Raises:
        FileExistsError: the folder is in use and was not made by a demonstration.
        HomeTaken: another command lives in it.
        HomeUnusable: it cannot be made or written.
    """
    folder = folder.resolve()
    if folder.is_dir() and os.access(folder, os.R_OK) and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise FileExistsError(f"{folder} was not made by `ems demo` and would be emptied; choose another --home")
        home_lock.demand_free(folder)
        embedded.stop(folder / "postgres")
        shutil.rmtree(folder)
    local.private(folder)
    (folder / MARKER).write_text("made by `ems demo`, which empties this folder each time\n", encoding="utf-8")
    return folder


def run(wanted: Demonstration, on_step: history.OnStep) -> Outcome:
    """Fill the past, then plan, write, measure, verify and settle slot by slot.

    Raises:
        RunFailed: the past could not be filled; failures within the loop are listed in the outcome instead.
    """
    began = time.monotonic()
    site = load_site(wanted.site_file)
    zone = time_grid.zone(site.timezone)
    first = wanted.first or time_grid.local_day(SystemClock().now(), zone)
    last = first + timedelta(days=wanted.days - 1)
    clock = SimulatedClock(time_grid.day_bounds(first, zone)[0])
    replay = plant.read_replay(wanted.replay, site, first, last, wanted.price_zone) if wanted.replay else None
    with (
        home_lock.held("ems demo"),
        closing(prepare()) as warehouse,
        plant.running_plant(
            site, clock, seed=wanted.seed, replay=replay, history_days=wanted.history_days + history.LOGGED_BEFORE
        ) as served,
        _environment(served.environ),
        open_instance() as instance,
    ):
        runs = InProcess(Platform(warehouse, clock, lambda: [served.site]), instance)
        _enter(runs, served.site)
        history.begin(runs, served.site, served.history(), wanted.history_days, on_step)
        failures = _closed_loop(runs, served.site, clock, time_grid.days(first, last), on_step)
        ended_at = time_grid.day_bounds(last, zone)[1] - LAST_LOOK
        _leave(warehouse, served.site, clock)
        count = instance.get_runs_count()
        with warehouse.begin() as connection:
            if wanted.visitor is not None:
                name, password_hash = wanted.visitor
                entered_at = min(ended_at, SystemClock().now())  # even before the demo's day is over
                people.add(connection, people.Person(name, "owner", None), password_hash, "demo", entered_at)
            account = accounts.of_site(connection, site, first, last)
    return Outcome(account, count, time.monotonic() - began, ended_at, failures)


def _enter(runs: InProcess, site: Site) -> None:
    """Register the site and give the second opt-in: nothing real can be switched here."""
    now = runs.platform.clock.now()
    with runs.platform.warehouse.begin() as connection:
        registry.register(connection, [site], now)
        arming.arm(connection, site.key, now, by="demo")
    runs.register([site.key])


def _closed_loop(
    runs: InProcess, site: Site, clock: SimulatedClock, days: list[date], on_step: history.OnStep
) -> list[str]:
    loop = ClosedLoop(runs, clock)
    zone = time_grid.zone(site.timezone)
    slots = {slot: i for i, slot in enumerate(s for day in days for s in time_grid.day_slots(day, zone))}
    for day in days:
        loop.run_day(
            day, site, lambda slot: on_step(f"{slot.astimezone(zone):%a %d %b %H:%M}", slots[slot] + 1, len(slots))
        )
    loop.settle()
    return loop.failures


def _leave(warehouse: Warehouse, site: Site, clock: SimulatedClock) -> None:
    for _ in control.release_site(warehouse, site, clock.now(), clock, "the demonstration is over"):
        pass


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Addresses of the plant's document servers, for as long as they answer."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
