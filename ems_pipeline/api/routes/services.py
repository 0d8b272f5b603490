"""GET /services/status: every part with the age of its newest work."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.parts import Part, parts
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["health"])


class Services(BaseModel):
    """All parts."""

    services: list[Part]


@router.get("/services/status", summary="Every part of the installation with its newest work")
async def status(web: ThisWeb, _caller: Annotated[Caller, Depends(needs("services:read"))]) -> Services:
    """Every part of the installation, as far as it can be seen from here."""
    return Services(services=await parts(web))
