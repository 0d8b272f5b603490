"""The challenger of a site, asked beside the live planner: the same decisions from the same inputs, told to no device.

It runs after the live plans are stored, in runs of its own that give way to all others. What would come too late, or
cost more than its share, is left out and said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from logging import Logger
from time import monotonic
from uuid import UUID

from ems_pipeline import time_grid
from ems_pipeline.errors import EmsError
from ems_pipeline.sites import Site
from ems_pipeline.sites.planner import Planner, roles
from ems_pipeline.steps import known
from ems_pipeline.steps.deciding import Decision, ToDecide, Wanted, decide
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import planners, plans
from ems_pipeline.warehouse.engine import Connection

BUDGET_S = 120.0
"""All challengers of a run together: a quarter-hour's seventh of one core."""


class Skipped(EmsError, RuntimeError):
    """A challenger was not asked; the text says why. Nothing is wrong with the site."""


@dataclass(frozen=True)
class Beside:
    """A challenger that is to be asked, and what of: the live plan's number, and what was known then."""

    live: UUID
    asked: ToDecide


def challenged(sites: Sequence[Site]) -> list[Site]:
    """Sites whose file names a challenger."""
    return [site for site in sites if site.planning.challenger is not None]


def beside(platform: Platform, sites: Sequence[Site], run_id: str | None, logger: Logger) -> Iterator[
    tuple[Site, Decision | Exception]
]:  # fmt: skip
    """Ask the challengers of sites for the newest decision of the live planner; what goes wrong is that site's."""
    begun = monotonic()
    for site in challenged(sites):
        try:
            if monotonic() - begun > BUDGET_S:
                raise Skipped(f"the challengers of this run had their {BUDGET_S:g} s", "shard the sites, or name fewer")
            yield site, _ask(platform, site, run_id)
        except Exception as fault:  # whatever it is: a challenger costs only itself
            logger.info(f"{site.key}: nobody planned beside the live planner: {fault}")
            yield site, fault


def _ask(platform: Platform, site: Site, run_id: str | None) -> Decision:
    now = platform.clock.now()
    with platform.warehouse.begin() as connection:
        promoted = planners.promoted(connection, [site], now).get(site.key)
        challenger = roles(site.planning, promoted).shadow
        assert challenger is not None
        live = planners.alone(connection, site.key, now - time_grid.SLOT, now)
        if not live:
            raise Skipped("no live plan of the last quarter-hour is without one", "nothing is to be done")
        asked = _as_known(connection, site, challenger, live[-1])
    if now - asked.known.start >= time_grid.SLOT:
        raise Skipped(f"the quarter-hour of {asked.known.start:%H:%M} UTC is over", "nothing is to be done")
    day = time_grid.local_day(asked.known.start, time_grid.zone(site.timezone))
    return decide(platform, site, asked, Wanted("rolling", day, now, run_id), is_shadow=True)


def _as_known(connection: Connection, site: Site, challenger: Planner, live: UUID) -> ToDecide:
    """What was known when a live plan was decided, for a plan of the same horizon."""
    stored = plans.stored(connection, live)
    assert stored is not None
    starts, planned = {site.key: stored.horizon_start}, site.planned_by(challenger)
    read = known.read(connection, [planned], starts, stored.decided_at)[site.key]
    return ToDecide(known.as_told(read, stored.inputs.get("services", {})), challenger)
