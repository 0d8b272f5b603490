"""The socket by which drivers read a controller and ask something of it; what they may is decided where intents are.

A read is answered from the last poll, with its age. What is asked is done by whoever runs sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ems_pipeline.gensets.snapshot import Link
from ems_pipeline.scada.yard import Standing, Yard
from ems_pipeline.time_grid import Clock


class Sequencer(Protocol):
    """Who runs sequences."""

    async def ask(self, site: str, device: str, run: bool, power_w: float, until_at: datetime) -> str:
        """Have a set run at a power until an instant, or stop; why not, empty when it is taken up."""
        ...


class Desk:
    """Answers drivers."""

    def __init__(
        self, yard: Yard, clock: Clock, rounds_at: Callable[[], datetime], sequencer: Sequencer | None = None
    ) -> None:
        """``rounds_at``: when the last round was shown, for whoever watches over this process."""
        self._yard, self._clock, self._rounds_at, self._sequencer = yard, clock, rounds_at, sequencer

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What somebody gets; ``fault`` says why no more."""
        if request.get("do") == "how":
            return {"controllers": len(self._yard.standing), "rounds_at": self._rounds_at().isoformat()}
        one = self._yard.at(str(request.get("at")))
        if one is None:
            return {"fault": f"no site file names a controller at {request.get('at')}"}
        if request.get("do") == "read":
            return self._read(one)
        if request.get("do") == "ask":
            return await self._ask(one, request)
        return {"fault": f"{request.get('do')!r} is nothing that can be asked here"}

    def _read(self, one: Standing) -> dict[str, Any]:
        seen = one.snapshot
        if seen is None or seen.taken_at is None or seen.link is Link.DOWN:
            return {"fault": one.polled.trouble or "the controller has not answered yet"}
        return {
            "values": seen.values,
            "bits": seen.bits,
            "taken_at": seen.taken_at.isoformat(),
            "age_s": (self._clock.now() - seen.taken_at).total_seconds(),
            "link": seen.link,
            "trouble": one.polled.trouble,
        }

    async def _ask(self, one: Standing, request: Mapping[str, Any]) -> dict[str, Any]:
        if self._sequencer is None:
            return {"fault": "nobody here runs sequences"}
        try:
            run, power_w = request["run"] is True, float(request["power_w"])
            until_at = datetime.fromisoformat(request["until_at"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError) as error:
            return {"fault": f"what is asked cannot be read: {type(error).__name__}"}
        site, device = one.wanted.key
        fault = await self._sequencer.ask(site, device, run, power_w, until_at)
        return {"fault": fault} if fault else {}
