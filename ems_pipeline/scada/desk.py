"""The socket by which drivers read a controller and ask something of it; what they may is decided where intents are.

A read is answered from the last poll, with its age. What is asked is done by whoever runs sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ems_pipeline.gensets.snapshot import Link
from ems_pipeline.plain_text import told
from ems_pipeline.scada.yard import Standing, Yard
from ems_pipeline.time_grid import Clock


class Sequencer(Protocol):
    """Who runs sequences. An answer says by ``fault`` why something is not taken up."""

    async def ask(
        self, site: str, device: str, now_at: datetime, *, run: bool, power_w: float | None, until_at: datetime
    ) -> dict[str, Any]:
        """Have a set run at a power until an instant, or rest."""
        ...

    async def let_go(self, site: str, device: str, now_at: datetime) -> dict[str, Any]:
        """Want nothing of it any more."""
        ...

    async def held(self, site: str, device: str, now_at: datetime) -> dict[str, float]:
        """What of a plan stands: ``run_power_w`` and ``run_until``, seconds since 1970; zeros: nothing."""
        ...


NOBODY = "nobody here runs sequences"


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
        if request.get("do") == "run":
            return await self._run(one, request)
        if request.get("do") == "held":
            return await self._held(one)
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

    async def _run(self, one: Standing, request: Mapping[str, Any]) -> dict[str, Any]:
        """``run`` at ``power_w`` or rest, until ``until``, seconds since 1970; 0: nothing is wanted any more."""
        if self._sequencer is None:
            return {"fault": NOBODY}
        site, device = one.wanted.key
        now_at = self._clock.now()
        try:
            if float(request["until"]) == 0:
                return await self._sequencer.let_go(site, device, now_at)
            run, until_at = request["run"] is True, datetime.fromtimestamp(float(request["until"]), UTC)
            power_w = float(request["power_w"]) if run else None
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            return {"fault": f"what is asked cannot be read: {type(error).__name__}"}
        try:
            return await self._sequencer.ask(site, device, now_at, run=run, power_w=power_w, until_at=until_at)
        except Exception as error:  # a database that is away, a row that is locked: nothing was taken up
            return {"fault": told(error)}

    async def _held(self, one: Standing) -> dict[str, Any]:
        if self._sequencer is None:
            return {"fault": NOBODY}
        site, device = one.wanted.key
        try:
            return dict(await self._sequencer.held(site, device, self._clock.now()))
        except Exception as error:
            return {"fault": told(error)}
