"""GET /stats: what this process has answered since it started."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.web import ThisWeb, Web

router = APIRouter(tags=["health"])


class Stats(BaseModel):
    """Figures of one process, since its start."""

    requests_total: int = Field(description="answered", examples=[1812])
    by_status: dict[str, int] = Field(description="by status of HTTP", examples=[{"200": 1800, "401": 12}])
    p50_ms: float | None = Field(
        description="half of the last 2000 took less, ms; null: there was none", examples=[3.2]
    )
    p95_ms: float | None = Field(description="95 % of them, ms", examples=[18.5])
    rate_limited: int = Field(description="asked too often", examples=[0])
    ws_clients: int = Field(description="WebSockets that are open", examples=[3])
    uptime_s: float = Field(description="since the start of the process, s", examples=[86400.0])


@router.get("/stats", summary="What this process answered, and how fast")
async def stats(web: ThisWeb, _caller: Annotated[Caller, Depends(needs("stats:read"))]) -> Stats:
    """Counts and times of this process."""
    return of_process(web)


def of_process(web: Web) -> Stats:
    """The figures of a process as they stand."""
    uptime_s = round(time.monotonic() - web.started_s, 3)
    return Stats.model_validate(web.figures.told() | {"rate_limited": web.budgets.refused(), "uptime_s": uptime_s})
