"""How the process that polls controllers does, for whoever watches over it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.smartgen.channel import Channel

OLDEST = timedelta(seconds=30)
"""A round comes every two seconds."""


def fault(now_at: datetime) -> str:
    """Why controllers are not polled; empty when they are."""
    try:
        said = asyncio.run(_how())
    except DeviceFault as away:
        return away.reason
    last_at = datetime.fromisoformat(said["rounds_at"])
    return f"its last round was at {last_at:%H:%M:%S} UTC" if now_at - last_at > OLDEST else ""


async def _how() -> dict[str, str]:
    channel = Channel()
    try:
        return await channel.ask({"do": "how"})
    finally:
        await channel.close()
