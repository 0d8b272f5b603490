"""The site registry: which sites exist, which are active, and every version of their configuration."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse.frames import query, upsert


def config_hash(site: Site) -> str:
    """Short hash of everything a site file says; plans carry it."""
    text = json.dumps(site.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def register(connection: Connection, sites: Iterable[Site], known_at: datetime) -> int:
    """Make the registry say what the site files say; a changed file becomes a new configuration version.

    Sites without a file are left as they are: an unreadable folder must never deactivate a running site.

    Returns:
        Number of configuration versions added.
    """
    sites = list(sites)
    known = set(query(connection, "SELECT site_key FROM ems.site")["site_key"].to_list())
    columns = ["site_key", "name", "timezone", "latitude", "longitude", "market_zone", "currency"]
    rows = [(s.key, s.name, s.timezone, s.latitude, s.longitude, s.market_zone, s.currency) for s in sites]
    upsert(connection, "ems.site", pl.DataFrame(rows, schema=columns, orient="row"), ["site_key"])
    for site in sites:
        # A site taken out of service by hand stays out when its file is edited; the file can only switch it off.
        if site.key not in known or not site.active:
            set_active(connection, site.key, site.active)
    added = 0
    for site in sites:
        result = connection.execute(
            sa.text("""
            INSERT INTO ems.site_config (site_key, config_hash, config, known_at)
            SELECT :key, :hash, CAST(:config AS jsonb), :known_at
            WHERE :hash IS DISTINCT FROM (
                SELECT config_hash FROM ems.site_config WHERE site_key = :key ORDER BY known_at DESC LIMIT 1)
            ON CONFLICT DO NOTHING"""),
            {"key": site.key, "hash": config_hash(site), "config": site.model_dump_json(), "known_at": known_at},
        )
        added += int(result.rowcount)
    return added


def set_active(connection: Connection, site_key: str, is_active: bool) -> None:
    """Switch a site on or off without touching its file; LookupError when it is not registered."""
    result = connection.execute(
        sa.text("UPDATE ems.site SET is_active = :active WHERE site_key = :key"), {"active": is_active, "key": site_key}
    )
    if result.rowcount == 0:
        raise LookupError(f"site {site_key!r} is not registered; `ems site list` shows what is")


def configured(connection: Connection) -> list[Site]:
    """Active sites in the newest registered version of their configuration, ordered by key."""
    frame = query(
        connection,
        """SELECT DISTINCT ON (c.site_key) c.config::text AS config
           FROM ems.site_config c JOIN ems.site s USING (site_key) WHERE s.is_active
           ORDER BY c.site_key, c.known_at DESC""",
    )
    return [Site.model_validate_json(text) for text in frame["config"]]


def active_keys(connection: Connection) -> list[str]:
    """Keys of active sites, in order."""
    return query(connection, "SELECT site_key FROM ems.site WHERE is_active ORDER BY site_key")["site_key"].to_list()
