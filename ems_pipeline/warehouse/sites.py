"""The site registry: which sites exist, which are active, and every version of their configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline import time_grid
from ems_pipeline.devices.installed.address import address_of, place_of
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import clocks
from ems_pipeline.warehouse.frames import query, upsert


class DeviceTwice(EmsError, ValueError):
    """One device stands twice in what is registered, so two would steer it; the text names both."""


def config_hash(site: Site) -> str:
    """Short hash of everything a site file says; plans carry it."""
    text = json.dumps(site.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def register(connection: Connection, sites: Iterable[Site], known_at: datetime) -> int:
    """Make the registry say what the site files say; a changed file becomes a new configuration version.

    Sites without a file are left as they are: an unreadable folder must never deactivate a running site.

    Returns:
        Number of configuration versions added.

    Raises:
        DeviceTwice: a device is another active site's, or stands twice in one.
        ValueError: what was written does not read back as the same site; the caller's transaction must not commit.
    """
    sites = list(sites)
    _demand_own_devices(connection, sites)
    known = set(all_keys(connection))
    columns = ["site_key", "name", "timezone", "latitude", "longitude", "market_zone", "currency"]
    rows = [(s.key, s.name, s.timezone, s.latitude, s.longitude, s.market_zone, s.currency) for s in sites]
    upsert(connection, "ems.site", pl.DataFrame(rows, schema=columns, orient="row"), ["site_key"])
    clocks.know(connection, {site.timezone for site in sites}, known_at)
    for site in sites:
        # A site taken out of service by hand stays out when its file is edited; the file can only switch it off.
        if site.key not in known or not site.active:
            set_active(connection, site.key, site.active)
    return sum(_add_version(connection, site, known_at) for site in sites)


def restate(connection: Connection, site: Site, known_at: datetime) -> int:
    """Register another configuration of a site that is registered, whether it is in service or not, as it stands.

    Returns:
        Number of configuration versions added.
    """
    return int(_add_version(connection, site, known_at))


def _demand_own_devices(connection: Connection, sites: Sequence[Site]) -> None:
    """What is in service and has not changed was looked at when it was registered."""
    hashes, active = newest_hashes(connection, [s.key for s in sites]), set(active_keys(connection))
    news = [s for s in sites if s.active and not (s.key in active and hashes.get(s.key) == config_hash(s))]
    if not news:
        return
    so_far = [site for site in configured(connection) if site.key not in {s.key for s in news}]
    for site in news:
        if fault := device_twice(site, so_far):
            raise DeviceTwice(fault, "name each device once", is_told=True)
        so_far.append(site)


def device_twice(site: Site, others: Sequence[Site]) -> str:
    """Which device of a site is another one's, or stands in it twice; empty when each is one of its own.

    Several sites may share a gateway, with units of their own. Within one site an address is one gateway: the devices
    behind it are asked in turn.
    """
    seen: dict[str, str] = {}
    for gateway in site.gateways:
        address = address_of(gateway)
        if address in seen:
            return f"{seen[address]} and {site.key}/{gateway.key} are both at {address}; make them one gateway"
        seen[address] = f"{site.key}/{gateway.key}"
    taken = {place_of(other, device): f"{other.key}/{device.key}" for other in others for device in other.devices}
    for device in site.devices:
        place, name = place_of(site, device), f"{site.key}/{device.key}"
        if place in taken:
            return (
                f"{name} is {taken[place]}: both are at {place}, and two would steer it. Remove one of the two from "
                "its file, or take its site out of service (ems site remove)"
            )
        taken[place] = name
    return ""


def _add_version(connection: Connection, site: Site, known_at: datetime) -> bool:
    """Whether the configuration was news; it is read back, because whoever cannot read it later is out of service.

    News is, too, what stands there already and cannot be read any more.
    """
    # What is registered last is the newest, also after the clock went back.
    standing = connection.execute(
        sa.text("SELECT config::text FROM ems.site_config WHERE site_key = :key ORDER BY known_at DESC LIMIT 1"),
        {"key": site.key},
    ).scalar()
    is_broken = standing is not None and isinstance(_site_or_fault(site.key, standing), str)
    written = connection.execute(
        sa.text("""
            INSERT INTO ems.site_config (site_key, config_hash, config, known_at)
            SELECT :key, :hash, CAST(:config AS jsonb),
                   greatest(CAST(:known_at AS timestamptz), max(known_at) + interval '1 us')
            FROM ems.site_config WHERE site_key = :key
            HAVING :is_broken OR :hash IS DISTINCT FROM (array_agg(config_hash ORDER BY known_at DESC))[1]
            RETURNING config::text"""),
        {
            "key": site.key,
            "hash": config_hash(site),
            "config": site.model_dump_json(),
            "known_at": known_at,
            "is_broken": is_broken,
        },
    ).scalar()
    # Python's own numbers beside what the database says: a number that is none is stored as null.
    if written is not None and json.loads(written) != json.loads(json.dumps(site.model_dump(), default=str)):
        raise ValueError(f"site {site.key} does not read back as it was written; nothing was registered: report it")
    return written is not None


@lru_cache(maxsize=512)
def _read(site_key: str, config: str) -> Site:
    """A stored configuration; ValueError says why it cannot be one."""
    site = Site.model_validate_json(config)
    if site.key != site_key:
        raise ValueError(f"it is that of {site.key}")
    return site


def set_active(connection: Connection, site_key: str, is_active: bool) -> None:
    """Switch a site on or off without touching its file; LookupError when it is not registered."""
    result = connection.execute(
        sa.text("UPDATE ems.site SET is_active = :active WHERE site_key = :key"), {"active": is_active, "key": site_key}
    )
    if result.rowcount == 0:
        raise LookupError(f"site {site_key!r} is not registered; `ems site list` shows what is")


def configured(connection: Connection) -> list[Site]:
    """Active sites in the newest registered version of their configuration, ordered by key; see `unreadable`."""
    return [found for found in _all_newest(connection).values() if isinstance(found, Site)]


def unreadable(connection: Connection) -> dict[str, str]:
    """Active sites whose newest configuration is none: by key, why. They alone are out of service."""
    return {key: found for key, found in _all_newest(connection).items() if isinstance(found, str)}


def newest(connection: Connection, site_key: str) -> Site:
    """A site, in service or not, in the newest version of its configuration that can be read.

    Raises:
        LookupError: it was never registered, or no version can be read.
    """
    versions = query(
        connection,
        "SELECT config::text AS config FROM ems.site_config WHERE site_key = :key ORDER BY known_at DESC",
        key=site_key,
    )["config"]
    readable = (found for text in versions if isinstance(found := _site_or_fault(site_key, text), Site))
    site = next(readable, None)
    if site is None:
        raise LookupError(
            f"site {site_key!r} is not registered; `ems site list` shows what is, `ems site add FILE` registers one"
        )
    return site


def _all_newest(connection: Connection) -> dict[str, Site | str]:
    frame = query(
        connection,
        """SELECT DISTINCT ON (c.site_key) c.site_key, c.config::text AS config
           FROM ems.site_config c JOIN ems.site s USING (site_key) WHERE s.is_active
           ORDER BY c.site_key, c.known_at DESC""",
    )
    return {key: _site_or_fault(key, text) for key, text in frame.iter_rows()}


def _site_or_fault(site_key: str, config: str) -> Site | str:
    try:
        return _read(site_key, config)
    except ValueError as error:
        return plain(error)


def zones(connection: Connection) -> dict[str, ZoneInfo]:
    """Time zone of every site that was ever registered; UTC for one whose zone nobody knows any more."""
    named = query(connection, "SELECT site_key, timezone FROM ems.site")
    return {key: _zone_or_utc(name) for key, name in named.iter_rows()}


def _zone_or_utc(name: str) -> ZoneInfo:
    try:
        return time_grid.zone(name)
    except ValueError:
        return time_grid.zone("UTC")


def all_keys(connection: Connection) -> list[str]:
    """Keys of all sites that were ever registered, in order."""
    return query(connection, "SELECT site_key FROM ems.site ORDER BY site_key")["site_key"].to_list()


def newest_hashes(connection: Connection, site_keys: Collection[str]) -> dict[str, str]:
    """By site the hash of its newest configuration; sites that are not registered are absent."""
    found = query(
        connection,
        """SELECT DISTINCT ON (site_key) site_key, config_hash FROM ems.site_config
           WHERE site_key = ANY(:sites) ORDER BY site_key, known_at DESC""",
        sites=list(site_keys),
    )
    return dict(found.iter_rows())


def version(connection: Connection, site_key: str, config_hash: str) -> Site | None:
    """A site in the configuration of that hash, however long ago; None when it never had it or it cannot be read."""
    rows = query(
        connection,
        """SELECT config::text AS config FROM ems.site_config WHERE site_key = :key AND config_hash = :hash
           ORDER BY known_at DESC""",
        key=site_key,
        hash=config_hash,
    )["config"]
    readable = (found for text in rows if isinstance(found := _site_or_fault(site_key, text), Site))
    return next(readable, None)


def active_keys(connection: Connection) -> list[str]:
    """Keys of active sites, in order."""
    return query(connection, "SELECT site_key FROM ems.site WHERE is_active ORDER BY site_key")["site_key"].to_list()


def run_hours_stated(connection: Connection, gensets: Sequence[tuple[str, str]], at: datetime) -> pl.DataFrame:
    """What versions known at ``at`` said of ``run_hours_left`` of gensets, (site, key) each, the newest first.

    Columns: site_key, genset, known_at, hours (null: nothing).
    """
    return query(
        connection,
        """SELECT c.site_key, k.genset, c.known_at,
                  (SELECT g.value ->> 'run_hours_left' FROM jsonb_array_elements(c.config -> 'gensets') g
                   WHERE g.value ->> 'key' = k.genset)::float8 AS hours
           FROM unnest(CAST(:sites AS text[]), CAST(:gensets AS text[])) k (site_key, genset)
           JOIN ems.site_config c USING (site_key)
           WHERE c.known_at <= :at ORDER BY c.site_key, k.genset, c.known_at DESC""",
        sites=[site_key for site_key, _ in gensets],
        gensets=[genset for _, genset in gensets],
        at=at,
    )
