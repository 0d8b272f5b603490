"""May the sets of a site be told anything now? The two opt-ins, as control asks them, in the committing transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from ems_pipeline.control import footing
from ems_pipeline.control.footing import Footing
from ems_pipeline.control.permit import UNREGISTERED, not_steered
from ems_pipeline.sentence import permits
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse.engine import Connection

RESOLVED_AGAIN = timedelta(minutes=5)
"""How long what gateways' names resolve to is believed; another configuration is looked at anew at once."""


class Steered:
    """Keeps the footing of each site as long as its configuration stands."""

    def __init__(self) -> None:
        self._footings: dict[str, tuple[datetime, Footing]] = {}

    def why_not(self, connection: Connection, site_key: str, now_at: datetime) -> str:
        """Why nothing may be told; empty while it may. What was asked holds until this transaction ends."""
        arming.keep(connection, site_key)
        standing = arming.standings(connection, [site_key]).get(site_key)
        if standing is None:
            return UNREGISTERED
        found = self._footing(connection, site_key, standing.config_hash, now_at)
        if found is None:
            return permits.UNREADABLE(site=site_key)
        return found.fault or not_steered(found, standing, now_at)

    def _footing(self, connection: Connection, site_key: str, config_hash: str, now_at: datetime) -> Footing | None:
        at, kept = self._footings.get(site_key, (now_at, None))
        if kept is not None and kept.config_hash == config_hash and now_at - at < RESOLVED_AGAIN:
            return kept
        found = footing.current(footing.anew(connection, site_key))
        if found is not None:
            self._footings[site_key] = (now_at, found)
        return found
