"""Sites: which there are, what they consist of, and the versions of what their files said."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.fields import Items
from ems_pipeline.api.holding import DOCUMENT
from ems_pipeline.api.pages import Cursor, Limit, after, page
from ems_pipeline.api.reading import first, rows
from ems_pipeline.api.rights import unknown_site
from ems_pipeline.api.values import Answer, SiteKey, instant, said
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["sites"])
READ = Depends(needs("sites:read"))


class SiteShort(Answer):
    """A site, as a list tells it."""

    site: str = said("Key.", "home01")
    name: str = said("Name.", "Home in Prague")
    timezone: str = said("Its civil clock.", "Europe/Prague")
    market_zone: str = said("Bidding zone of its prices, or `none`.", "CZ")
    currency: str = said("Of its bill.", "CZK")
    is_active: bool = said("Whether it is in service.", True)


class Asset(Answer):
    """A planned part of a site."""

    asset: str = said("Key.", "pack")
    kind: str = said("`batteries`, `pv`, `chargers`, `heat_pumps`, `gensets` or `deferrables`.", "batteries")
    device: str | None = said("The device that measures and obeys for it; null: none does.", "inverter")


class SiteWhole(SiteShort):
    """A site with its parts."""

    latitude: float = said("Latitude.", 50.08, "°", -90, 90)
    longitude: float = said("Longitude.", 14.42, "°", -180, 180)
    control_enabled: bool | None = said("The first opt-in, of its file; null: no document is known.", True)
    import_limit_kw: float | None = said("What it may draw from the grid.", 17.0, "kW", 0, 1e6)
    export_limit_kw: float | None = said("What it may feed into the grid.", 10.0, "kW", 0, 1e6)
    assets: list[Asset] = said("Its planned parts.", [{"asset": "pack", "kind": "batteries", "device": "inverter"}])
    config_hash: str | None = said("Version of its document.", "9a3f5c0d1e2b4a67")
    known_at: datetime | None = instant("Since when that version holds.")


class Version(Answer):
    """A version of a site's document."""

    config_hash: str = said("Its name.", "9a3f5c0d1e2b4a67")
    known_at: datetime = instant("Since when it held.")
    recorded_at: datetime = instant("When it was registered.")


SHORT = "s.site_key AS site, s.name, s.timezone, s.market_zone, s.currency, s.is_active"
ASSETS = """
    SELECT jsonb_agg(jsonb_build_object('asset', part ->> 'key', 'kind', kind, 'device', part ->> 'device')
                     ORDER BY place, number) AS assets
    FROM unnest(ARRAY['batteries', 'pv', 'chargers', 'heat_pumps', 'gensets', 'deferrables'])
         WITH ORDINALITY AS kinds (kind, place)
    CROSS JOIN LATERAL jsonb_array_elements(c.config -> kind) WITH ORDINALITY AS parts (part, number)"""


@router.get("/me/sites", response_model=Items[SiteShort], summary="The same")
@router.get("/sites", response_model=Items[SiteShort], summary="Sites of whoever asks")
async def sites(
    caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Sites in order of their keys, those out of service too."""
    last = after(cursor, str) or [""]
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection,
            f"""SELECT {SHORT} FROM ems.site s
                WHERE (%(sites)s::text[] IS NULL OR s.site_key = ANY (%(sites)s)) AND s.site_key > %(last)s
                ORDER BY s.site_key LIMIT %(limit)s + 1""",
            sites=caller.listed_sites, last=last[0], limit=limit,
        )  # fmt: skip
    return page(found, limit, "site")


@router.get("/sites/{site}", response_model=SiteWhole, summary="A site with its parts")
async def site(site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb) -> dict[str, Any]:
    """What a site consists of, as registered last. Addresses of devices are not told."""
    key = caller.site(site)
    async with web.database.reading(caller) as connection:
        found = await first(
            connection,
            f"""SELECT {SHORT}, s.latitude, s.longitude,
                       (c.config #>> '{{control,enabled}}')::boolean AS control_enabled,
                       (c.config #>> '{{grid,import_limit_w}}')::float8 / 1000 AS import_limit_kw,
                       (c.config #>> '{{grid,export_limit_w}}')::float8 / 1000 AS export_limit_kw,
                       coalesce(a.assets, '[]') AS assets, c.config_hash, c.known_at
                FROM ems.site s
                LEFT JOIN {DOCUMENT}
                LEFT JOIN LATERAL ({ASSETS}) a ON true
                WHERE s.site_key = %(site)s""",
            site=key,
        )
    if found is None:
        raise unknown_site(key)
    return found


@router.get("/sites/{site}/versions", response_model=Items[Version], summary="Versions of a site's document")
async def versions(
    site: SiteKey, caller: Annotated[Caller, READ], web: ThisWeb, limit: Limit = 100, cursor: Cursor = None
) -> dict[str, Any]:
    """Every version that was registered, newest first."""
    key, last = caller.site(site), after(cursor, datetime.fromisoformat) or [None]
    async with web.database.reading(caller) as connection:
        found = await rows(
            connection,
            """SELECT config_hash, known_at, recorded_at FROM ems.site_config
               WHERE site_key = %(site)s AND (%(last)s::timestamptz IS NULL OR known_at < %(last)s::timestamptz)
               ORDER BY known_at DESC LIMIT %(limit)s + 1""",
            site=key, last=last[0], limit=limit,
        )  # fmt: skip
    return page(found, limit, "known_at")
