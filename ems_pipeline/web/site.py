"""The pages on the API, and what stands at the head of every page of a site."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import TypeVar

from ems_pipeline.api.holding import ARM, AUTHORITY, DOCUMENT
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import first, site_of
from ems_pipeline.web.reader import Reader
from ems_pipeline.web.said import Said

Found = TypeVar("Found")
HEAD = f"""
    SELECT {AUTHORITY} AS authority, s.is_active, a.until_at AS armed_until,
           (SELECT count(*) FROM ems.alarm l WHERE l.site_key = s.site_key AND l.cleared_at IS NULL) AS open_alarms,
           (SELECT count(*) FROM ems.maintenance_alert t
            WHERE t.site_key = s.site_key AND t.resolved_at IS NULL) AS due_services,
           EXISTS (SELECT FROM jsonb_array_elements(c.config -> 'devices') d
                   WHERE starts_with(d ->> 'map', 'smartgen-')) AS has_controllers,
           coalesce(jsonb_array_length(c.config -> 'gensets'), 0) > 0 AS has_gensets,
           (SELECT max(h.last_seen_at) FROM ems.device_health h WHERE h.site_key = s.site_key) AS heard_at
    FROM ems.site s LEFT JOIN {DOCUMENT} LEFT JOIN {ARM} WHERE s.site_key = %(site)s"""


@dataclass(frozen=True)
class Head:
    """A site as its pages name it.

    Args:
        due_services: services of gensets that are due or soon will be.
        has_controllers: of generating sets or switchboards, which have a page of their own.
        has_gensets: engines that want services, polled or not.
        heard_at: when one of its devices answered last; None: none ever did.
    """

    key: str
    name: str
    said: Said
    authority: str
    is_active: bool
    armed_until: datetime | None
    open_alarms: int
    due_services: int
    has_controllers: bool
    has_gensets: bool
    heard_at: datetime | None


async def head(reader: Reader, site: str) -> Head:
    """The head of a page of this site.

    Raises:
        Problem: 404, the site is not there or not the reader's.
    """
    key, now = reader.known.site(site), reader.web.clock.now()
    async with reader.web.database.reading(reader.known) as connection:
        of = await site_of(connection, key)
        standing = await first(connection, HEAD, site=key, now=now)
    assert standing is not None
    said = reader.said(of["timezone"], of["currency"], now)
    return Head(key=key, name=of["name"], said=said, **standing)


async def perhaps(asked: Awaitable[Found]) -> Found | None:
    """What a route answers; None: there is no such thing, or it is too old to be told."""
    try:
        return await asked
    except Problem as problem:
        if problem.status == HTTPStatus.NOT_FOUND or problem.code == "forecast_too_old":
            return None
        raise
