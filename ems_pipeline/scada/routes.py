"""A lost way to a site, as one alarm of the site: engines are not in trouble because a cable is.

Where nothing is heard of any controller of a site, its route is lost; where some still answer, those that do not are
named. What a controller said before stands as it was: an alarm that nobody can see has not ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ems_pipeline.gensets.snapshot import Link, Snapshot
from ems_pipeline.warehouse import Warehouse, alarms
from ems_pipeline.warehouse.alarms import Trouble

KIND = "controllers-lost"


def troubles(links: Mapping[tuple[str, str], Link], whys: Mapping[tuple[str, str], str]) -> list[Trouble]:
    """One for each site that does not hear all its controllers; pure."""
    lost: dict[str, list[str]] = {}
    for (site, device), link in links.items():
        if link is Link.DOWN:
            lost.setdefault(site, []).append(device)
    found = []
    for site, devices in sorted(lost.items()):
        is_all = len(devices) == sum(key[0] == site for key in links)
        who = "no controller of the site answers" if is_all else f"{', '.join(sorted(devices))} does not answer"
        why = next((whys[site, device] for device in sorted(devices) if whys.get((site, device))), "")
        text = f"{who}; nothing is known of it, and no alarm has ended. {why}".rstrip()
        found.append(Trouble(site, KIND, "critical" if is_all else "warning", text))
    return found


class Routes:
    """Follows whether controllers answer."""

    def __init__(
        self, warehouse: Warehouse, known: Callable[[], set[tuple[str, str]]], why: Callable[[tuple[str, str]], str]
    ) -> None:
        """``known``: what is polled now; ``why``: what a controller's last poll lacks."""
        self._warehouse, self._known, self._why = warehouse, known, why
        self._links: dict[tuple[str, str], Link] = {}
        self._whys: dict[tuple[str, str], str] = {}
        self._told: list[Trouble] | None = None

    async def seen(self, now_at: datetime, snapshots: Sequence[Snapshot]) -> None:
        for seen in snapshots:
            key = seen.site, seen.device
            if seen.link is Link.DOWN and self._links.get(key) is not Link.DOWN:
                self._whys[key] = self._why(key)  # as it was lost: later words would be a new trouble each time
            self._links[key] = seen.link
        known = self._known()
        self._links = {key: link for key, link in self._links.items() if key in known}
        found = troubles(self._links, self._whys)
        if found != self._told:
            await asyncio.to_thread(self._settle, found, now_at)
            self._told = found

    def _settle(self, found: Sequence[Trouble], now_at: datetime) -> None:
        with self._warehouse.begin() as connection:
            alarms.settle(connection, KIND, found, now_at)
