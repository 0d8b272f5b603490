"""The checks of `ems doctor`: each looks at one thing and says what it found, with the remedy.

Add a check as a function that yields findings, and list it in `ALL`; one that raises becomes a finding itself.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ems_pipeline.sites import Site

Level = Literal["good", "warning", "wrong"]
HISTORY_DAYS = 14
NIGHT_PV_W = 50
OFF_BY = 3.0
"""A counter further than this from the measured energy is wrong; gaps explain less."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: Level
    what: str
    text: str


Check = Callable[[], Iterator[Finding]]


def run(check: Check) -> list[Finding]:
    """Findings of a check; what it could not look at is wrong, with the reason."""
    try:
        return list(check())
    except Exception as error:  # a check-up that stops at the first broken thing shows only that one
        return [Finding("wrong", check.__name__.replace("_", " "), str(error))]


def code_location() -> Iterator[Finding]:
    """Dagster must be able to load every asset, job, sensor and schedule."""
    from ems_pipeline.definitions import defs

    repository = defs.get_repository_def()
    assets = len(defs.resolve_asset_graph().materializable_asset_keys)
    yield Finding("good", "code location", f"{assets} assets, {len(repository.get_all_jobs())} jobs load")


def site_files() -> Iterator[Finding]:
    """Every site file must be right, name maps and a market zone that exist, and steer what obeys."""
    from ems_pipeline.devices.installed import obedience
    from ems_pipeline.sites import Site
    from ems_pipeline.steps.site_folder import read_sites, site_folder

    found = read_sites()
    if not found:
        yield Finding("wrong", "site files", f"{site_folder()} holds none; copy sites/home01.yaml and change it")
    for item in found:
        if not isinstance(item, Site):
            yield Finding("wrong", "site files", str(item))
            continue
        yield Finding("good", f"site {item.key}", f"{len(item.devices)} devices, zone {item.timezone}")
        for warning in obedience.warnings(item):
            yield Finding("warning", f"site {item.key}", warning)


def environment() -> Iterator[Finding]:
    """A variable that says what it cannot say keeps `ems up` from starting."""
    from ems_pipeline.settings import faults

    found = faults()
    yield from (Finding("wrong", "environment", fault) for fault in found)
    if not found:
        yield Finding("good", "environment", "numbers and choices can be read")


def _good_sites() -> list[Site]:
    """Sites whose files can be used; `site_files` tells of the others."""
    from ems_pipeline.sites import Site
    from ems_pipeline.steps.site_folder import read_sites

    return [item for item in read_sites() if isinstance(item, Site)]


def bus_conflicts() -> Iterator[Finding]:
    """Two entries for one gateway, or for one device, answer for each other."""
    from ems_pipeline.warehouse.sites import device_twice

    sites = _good_sites()
    for i, site in enumerate(sites):
        if fault := device_twice(site, sites[:i]):
            yield Finding("wrong", "bus", fault)
    gateways, devices = sum(len(s.gateways) for s in sites), sum(len(s.devices) for s in sites)
    yield Finding("good", "bus", f"{gateways} gateways, {devices} devices looked at")


def secrets() -> Iterator[Finding]:
    """Passwords that a site file names must be in the environment, or in a file it names."""
    from ems_pipeline.secret import SecretUnreadable, secret

    named = [(site, gateway) for site in _good_sites() for gateway in site.gateways if gateway.password_env]
    for site, gateway in named:
        try:
            if secret(gateway.password_env or "") is None:
                text = f"{site.key}/{gateway.key}: {gateway.password_env} is not set; the virtual plant sets it itself"
                yield Finding("warning", "secrets", text)
        except SecretUnreadable as error:
            yield Finding("wrong", "secrets", f"{site.key}/{gateway.key}: {error}")


def arms() -> Iterator[Finding]:
    """An arm that is about to end, or that does not stand for what is registered, leaves its site in shadow."""
    from ems_pipeline.control import footing, permit
    from ems_pipeline.control.arm_alarms import ends_soon
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import arming, open_warehouse
    from ems_pipeline.warehouse import sites as registry

    now = SystemClock().now()
    with open_warehouse().begin() as connection:
        told = footing.told(connection, registry.configured(connection))
        standings = arming.standings(connection, [one.site_key for one in told])
    for one in told:
        current, standing = footing.current(one), standings[one.site_key]
        if current is None or standing.arm is None:
            continue
        what, until = f"arm of {one.site_key}", f"it ends at {standing.arm.until_at:%Y-%m-%d %H:%M} UTC"
        if why := permit.not_steered(current, standing, now):
            yield Finding("warning", what, f"the site is in shadow: {why}")
        elif ends_soon(standing.arm, now):
            yield Finding("warning", what, f"{until}: ems control arm {one.site_key}")
        else:
            yield Finding("good", what, until)


def database() -> Iterator[Finding]:
    """The database must answer and have the newest schema."""
    from ems_pipeline.warehouse import migrate, open_warehouse

    warehouse = open_warehouse()
    current, head = migrate.current(warehouse), migrate.head()
    where = warehouse.url.render_as_string(hide_password=True)
    if current == head:
        yield Finding("good", "database", f"{where}, schema {current}")
    else:
        yield Finding(
            "wrong", "database", f"{where} has schema {current or 'none'}, newest is {head}: `ems db migrate`"
        )


def zone_tables() -> Iterator[Finding]:
    """Python, polars and the database should mean the same by the local time of every site."""
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse import sites as registry
    from ems_pipeline.warehouse.zone_tables import disagreement

    with open_warehouse().begin() as connection:
        named = {zone.key for zone in registry.zones(connection).values()} | {s.timezone for s in _good_sites()}
        for timezone in sorted(named):
            if fault := disagreement(connection, timezone, SystemClock().now()):
                text = f"{fault}. We count by zoneinfo; queries of your own that ask the others are off: renew them"
                yield Finding("warning", f"zone {timezone}", text)
            else:
                yield Finding("good", f"zone {timezone}", "one local time for the coming year in all tables")


def disk() -> Iterator[Finding]:
    """A full disk stops the database."""
    from ems_pipeline.orchestration.installation.watch import GIB, LOW_GIB, free_bytes
    from ems_pipeline.warehouse.local import home

    free_gib = free_bytes() / GIB
    level: Level = "good" if free_gib >= LOW_GIB else "warning"
    yield Finding(level, "disk", f"{free_gib:.1f} GiB free at {home()}; keep {LOW_GIB} GiB")


def clock() -> Iterator[Finding]:
    """Prices and set-points belong to quarter-hours: a clock that drifts serves the wrong one."""
    if shutil.which("timedatectl") is None:
        yield Finding("warning", "clock", "cannot tell whether it is synchronised; make sure NTP runs")
        return
    shown = subprocess.run(
        ["timedatectl", "show", "-p", "NTPSynchronized", "--value"], capture_output=True, text=True, check=False
    ).stdout.strip()
    if shown == "yes":
        yield Finding("good", "clock", "synchronised")
    else:
        yield Finding("warning", "clock", "not synchronised; enable NTP: `timedatectl set-ntp true`")


def history() -> Iterator[Finding]:
    """Forecasts need some weeks of measurements, with signs as documented."""
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.inventory import measured_history

    with open_warehouse().begin() as connection:
        rows = measured_history(connection)
    for row in rows.iter_rows(named=True):
        what, days = f"history {row['site_key']}", row["days"]
        if days < HISTORY_DAYS:
            text = f"{days} days measured; until {HISTORY_DAYS}, forecasts lean on standard profiles"
            yield Finding("warning", what, text)
        else:
            yield Finding("good", what, f"{days} days measured")
        if (night := row["night_pv_w"]) is not None and abs(night) > NIGHT_PV_W:
            text = f"PV makes {night:.0f} W at midnight: wrong register, or a time zone other than the site's"
            yield Finding("wrong", what, text)
        if (load := row["load_w"]) is not None and load <= 0:
            text = f"the house load is {load:.0f} W on average: the grid meter's sign is reversed (import is positive)"
            yield Finding("wrong", what, text)


def counters() -> Iterator[Finding]:
    """A counter must count what the power of its device adds up to; newer Deye firmware counts in tenfold steps."""
    from ems_pipeline.devices.points.growth import COUNTER_SCALE
    from ems_pipeline.warehouse import open_warehouse
    from ems_pipeline.warehouse.counters import counted

    with open_warehouse().begin() as connection:
        rows = counted(connection)
    wrong = 0
    for site, device, quantity, counted_wh, measured_wh in rows.iter_rows():
        ratio = measured_wh / counted_wh if counted_wh > 0 else math.inf
        if 1 / OFF_BY < ratio < OFF_BY:
            continue
        wrong += 1
        told = f"{counted_wh / 1000:.1f} kWh in a week, its power adds up to {measured_wh / 1000:.1f}"
        text = f"{quantity} counted {told}"
        tenfold = f"; set its option {COUNTER_SCALE}: 10" if 5 < ratio < 20 else "; check its scale at the display"
        yield Finding("warning", f"counter {site}/{device}", text + tenfold)
    yield Finding("good", "counters", f"{rows.height - wrong} of {rows.height} agree with the measured power")


def pv_azimuth() -> Iterator[Finding]:
    """The measured PV must come from where the site file says the modules look."""
    from ems_pipeline.steps import azimuth
    from ems_pipeline.time_grid import SystemClock
    from ems_pipeline.warehouse import open_warehouse

    sites = [site for site in _good_sites() if site.pv]
    with open_warehouse().begin() as connection:
        for site in sites:
            what = f"PV {site.key}"
            if len(site.pv) > 1:
                yield Finding("good", what, f"{len(site.pv)} planes on one meter: their azimuths cannot be checked")
            elif (found := azimuth.finding(connection, site, SystemClock().now())) is None:
                yield Finding("good", what, "too little measured to check the azimuth; six weeks are needed")
            else:
                yield Finding("warning" if found.is_wrong else "good", what, found.words())


def chargers() -> Iterator[Finding]:
    """Who has called in by OCPP, who is missing, and who was refused."""
    from ems_pipeline.devices.ocpp import callers

    seen = callers.seen(_good_sites())
    for door in seen:
        if door.fault:
            yield Finding("warning", f"chargers at {door.where}", door.fault)
        for charger in door.chargers:
            what = f"charger {charger.name}"
            if charger.fault:
                yield Finding("warning", what, charger.fault)
            else:
                told = " ".join(part for part in (charger.version, charger.about) if part)
                yield Finding("good", what, f"called in at {charger.since}: {told}")
    for text in filter(None, (callers.strangers(seen), callers.wrong_clocks(seen))):
        yield Finding("warning", "chargers", text)


def ways_to_people() -> Iterator[Finding]:
    """Telegram must know the bot, and the mail server must let us in with a certificate that verifies.

    Push services cannot be asked without telling somebody something: there the key must be one.
    """
    from ems_pipeline.notify import ways
    from ems_pipeline.notify.notice import NotSent
    from ems_pipeline.warehouse import channels, open_warehouse

    found = ways.to_persons()
    for way in found:
        try:
            way.check()
            told = "the key can be used" if way.kind == "push" else "the service lets us in"
            yield Finding("good", f"notices by {way.kind}", told)
        except NotSent as error:
            yield Finding("wrong", f"notices by {way.kind}", str(error))
    with open_warehouse().begin() as connection:
        known = channels.listed(connection)
    for channel in known:
        what = f"channel {channel.number}, {channel.person}"
        if channel.kind not in {way.kind for way in found}:
            yield Finding("warning", what, f"{channel.kind} is not set up here: docs/notices.md")
        elif channel.state != "open":
            yield Finding("warning", what, f"{channel.kind} {channel.shown} is blocked: {channel.state_reason}")


def home_assistant() -> Iterator[Finding]:
    """The broker must let us in, the API must know the token, and the process must be at work."""
    from ems_pipeline.errors import EmsError
    from ems_pipeline.homeassistant import serve, standing
    from ems_pipeline.mqtt.client import BrokerLost, Conversation
    from ems_pipeline.time_grid import SystemClock

    broker = serve.broker()
    if broker is None:
        return
    conversation = Conversation(broker)
    try:
        conversation.begin()
        conversation.end()
        yield Finding("good", "home assistant", f"{broker} lets us in")
    except BrokerLost as error:
        yield Finding("wrong", "home assistant", str(error))
    try:
        sites = [site["site"] for site in serve.api().items("sites", limit="1000")]
        yield Finding("good", "home assistant", f"the token's sites: {', '.join(sites) or 'none'}")
    except EmsError as error:
        yield Finding("wrong", "home assistant", str(error))
    said = standing.found()
    if said is None or said.trouble(SystemClock().now()):
        text = "has not said how it does" if said is None else said.trouble(SystemClock().now())
        yield Finding("warning", "home assistant", f"the process that tells it: {text}")


WITHOUT_DATABASE: tuple[Check, ...] = (environment, code_location, site_files, bus_conflicts)
ALL: tuple[Check, ...] = (
    *WITHOUT_DATABASE,
    secrets,
    chargers,
    database,
    arms,
    zone_tables,
    disk,
    clock,
    history,
    counters,
    pv_azimuth,
    ways_to_people,
    home_assistant,
)
