"""Studies: homes lived through again, and what each variant saved against the first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from ems_pipeline.api.routes import studies
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
LAST = 20


@router.get("/ui/studies")
async def page(reader: Annotated[Reader, reads("studies:read")]) -> Response:
    """The last ones with their results."""
    found = await studies.studies(reader.known, reader.web, limit=LAST)
    return reader.show("studies", studies=found["items"], say=reader.said("UTC"))
