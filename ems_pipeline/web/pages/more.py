"""More: the pages that the bar of a phone has no room for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from ems_pipeline.api.values import SiteKey
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)


@router.get("/ui/{site}/more")
async def page(site: SiteKey, reader: Annotated[Reader, reads("sites:read")]) -> Response:
    """Links, those alone that the reader may follow."""
    return reader.show("more", head=await sites.head(reader, site))
