"""Who asks, and what they may: people by role, programs by what their token lists, everybody within their sites."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from uuid import UUID

from ems_pipeline.api.problems import Problem
from ems_pipeline.plain_text import plain

Role = Literal["viewer", "operator", "owner", "analyst", "program"]
LOOKED_AT = (
    "sites", "requests", "prices", "forecasts", "plans", "batteries", "control", "overrides", "alarms", "telemetry",
    "measurements", "analytics", "events", "devices", "services", "stats", "live", "gensets",
    "maintenance", "studies",
)  # fmt: skip
"""What everybody who is let in may look at, within their sites: ``NOUN:read``."""
READS = frozenset(f"{noun}:read" for noun in LOOKED_AT)
OPERATES = frozenset(
    f"{noun}:write"
    for noun in (
        "requests",
        "batteries",
        "control",
        "overrides",
        "alarms",
        "events",
        "measurements",
        "gensets",
        "maintenance",
    )
)
OWNS = frozenset({"sites:write", "devices:write", "studies:write", "tokens:read", "tokens:write"})
ASKS_SQL = frozenset({"rest:read"})
"""Whole tables; what a person with less than all sites sees of them is `api.rest`'s to narrow."""
RIGHTS: dict[Role, frozenset[str]] = {
    "viewer": READS,
    "operator": READS | OPERATES,
    "owner": READS | OPERATES | OWNS | ASKS_SQL | {"rest:write"},
    "analyst": READS | ASKS_SQL,
    "program": frozenset(),
}
"""Of a role; a program has what its token lists."""
ALL = RIGHTS["owner"]
"""Every right there is."""


@dataclass(frozen=True)
class Caller:
    """Somebody whom we know, for the length of one request."""

    name: str
    kind: Literal["person", "program"]
    role: Role
    resources: frozenset[str]
    sites: frozenset[str] | None
    """Those that exist for the caller; None: all there are."""
    token_id: UUID | None = None
    session_id: str | None = None
    """Hash of the cookie, hexadecimal."""
    is_confirmed: bool = False
    """A password was typed within the last minutes."""

    @cached_property
    def subject(self) -> str:
        """As it is noted with what the caller does: a person's name, or ``token:`` with name and number."""
        return self.name if self.token_id is None else f"token:{self.name}:{str(self.token_id)[:8]}"

    def claims(self, role: str) -> str:
        """The claims that the database sees, as a REST server would hand them over."""
        said: dict[str, object] = {"sub": self.subject, "role": role}
        if self.sites is not None:
            said["sites"] = self.listed_sites
        return json.dumps(said)

    @property
    def listed_sites(self) -> list[str] | None:
        """Those that exist for the caller, in order, as SQL and JSON take them; None: all there are."""
        return None if self.sites is None else sorted(self.sites)

    def may(self, need: str) -> bool:
        return need in self.resources

    def sees(self, site_key: str) -> bool:
        return self.sites is None or site_key in self.sites

    def site(self, site_key: str) -> str:
        """The key, when the site exists for this caller.

        Raises:
            Problem: 404; whether another's site exists is not told.
        """
        if not self.sees(site_key):
            raise unknown_site(site_key)
        return site_key


def unknown_site(site_key: str) -> Problem:
    """The answer for a site that is not there, and for one that is somebody else's."""
    return Problem(
        404, "site_unknown", "The site is not known", f"there is no site {plain(site_key, 60)!r}",
        "GET /api/v1/me/sites lists yours", "site",
    )  # fmt: skip
