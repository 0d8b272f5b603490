"""Rows as dictionaries, and the site a question is about."""

from __future__ import annotations

from typing import Any

from ems_pipeline.api.database import Connection, sites_of
from ems_pipeline.api.holding import DOCUMENT
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import unknown_site

Row = dict[str, Any]


async def rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    """All rows of a query; parameters are written ``%(name)s``."""
    return await (await connection.execute(query.encode(), values)).fetchall()


async def first(connection: Connection, query: str, **values: Any) -> Row | None:
    """The first row of a query."""
    return await (await connection.execute(query.encode(), values)).fetchone()


async def site_of(connection: Connection, key: str) -> Row:
    """A registered site: its name, time zone, currency, whether it is in service, and the document that holds.

    Raises:
        Problem: 404 where there is none.
    """
    known = sites_of(connection)
    if key in known:
        return dict(known[key])
    found = await first(
        connection,
        f"""SELECT s.site_key, s.name, s.timezone, s.currency, s.market_zone, s.is_active, c.config, c.config_hash
           FROM ems.site s LEFT JOIN {DOCUMENT}
           WHERE s.site_key = %(site)s""",
        site=key,
    )
    if found is None:
        raise unknown_site(key)
    known[key] = found
    return dict(found)


def absent(what: str, remedy: str) -> Problem:
    """What was asked for is not there."""
    return Problem(404, "absent", "It is not there", what, remedy)
