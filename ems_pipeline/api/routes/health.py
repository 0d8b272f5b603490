"""GET /health: whether it works, in one word for everybody and part by part for those who are known."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from ems_pipeline import __version__
from ems_pipeline.api.caller import Anybody, Caller
from ems_pipeline.api.parts import Part, Status, parts, worst
from ems_pipeline.api.web import ThisWeb

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How it stands."""

    status: Status = Field(description="the worst of all parts", examples=["ok"])
    version: str = Field(description="of the program", examples=["0.1.0"])
    time: datetime = Field(description="of this machine's clock, UTC", examples=["2026-03-29T12:00:00Z"])
    parts: list[Part] | None = Field(None, description="for callers who are known; null for others")


@router.get("/health", summary="Whether it works", responses={503: {"model": Health, "description": "it is down"}})
async def health(web: ThisWeb, response: Response, caller: Annotated[Caller | None, Depends(Anybody())]) -> Health:
    """Whether it works; 503 when it is down. Without a token the status alone is told."""
    found = await parts(web)
    status: Literal["ok", "degraded", "down"] = worst(found)
    if status == "down":
        response.status_code = 503
    return Health(status=status, version=__version__, time=web.clock.now(), parts=found if caller is not None else None)
