"""Where somebody begins: the site seen last, the only one, or the list; and what no page is."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Response

from ems_pipeline.web import assets
from ems_pipeline.web.reader import Page, Reader, Stranger, away, reads

router = APIRouter(route_class=Page)
SEEN = "ems_site"
"""Cookie with the key of the site that was looked at last."""


@router.get("/")
async def root(_reader: Stranger) -> Response:
    """People who type the name of the machine."""
    return away("/ui")


@router.get("/ui")
async def begin(reader: Annotated[Reader, reads("sites:read")]) -> Response:
    """On to the site seen last, or the only one."""
    keys = [site["site_key"] for site in await reader.sites()]
    if not keys and reader.may("sites:write"):
        return away("/ui/setup")
    seen = reader.request.cookies.get(SEEN)
    if seen in keys:
        return away(f"/ui/{seen}/now")
    return away(f"/ui/{keys[0]}/now" if len(keys) == 1 else "/ui/sites")


@router.get("/ui/manifest.webmanifest")
async def manifest(reader: Stranger) -> Response:
    """What a phone needs to put the pages on its home screen."""
    icons = [
        {"src": assets.address(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (180, 192, 512)
    ]
    told = {
        "name": "ems-pipeline", "short_name": "Energy", "start_url": "/ui", "scope": "/ui", "display": "standalone",
        "background_color": "#f4f6f8", "theme_color": "#0a63b8", "lang": reader.language,
        "icons": [*icons, {"src": assets.address("icon.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }  # fmt: skip
    return Response(json.dumps(told), media_type="application/manifest+json")
