"""Sites that were not served: once is a coincidence of two runs, twice in a row is an alarm.

And devices that nobody can let go, because the configuration they were told with cannot be read any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.warehouse import alarms, control_misses
from ems_pipeline.warehouse.engine import Connection
from ems_pipeline.warehouse.gateway_lock import master_of
from ems_pipeline.warehouse.intents import Held, State

ALARM = "not-served"
TWICE = 2
UNSERVED = frozenset({Aside.SKIPPED, State.FAILED})
"""States of an `Outcome` that says of a whole site that nothing, or not all, was done."""


def why(outcomes: Iterable[Outcome]) -> str:
    """Why a run did not serve a site; empty when it did."""
    return next((o.text for o in outcomes if not o.device and o.state in UNSERVED), "")


def note(connection: Connection, site_key: str, reason: str, addresses: Collection[str], now: datetime) -> None:
    """Count a miss, with an alarm from the second on; without a ``reason`` the site was served, and all are forgotten.

    Args:
        addresses: of its gateways, to say who is master there.
    """
    if not reason:
        control_misses.forget(connection, site_key)
        alarms.clear(connection, site_key, ALARM, now)
        return
    times, since = control_misses.count(connection, site_key, now)
    if times >= TWICE:
        master = master_of(connection, addresses)
        text = (
            f"neither told, verified nor released {times} times in a row, since {since:%d.%m. %H:%M} UTC: {reason}"
            + (f" (master is: {master})" if master else "")
            + "; what still stands in its devices stays until this ends"
        )
        alarms.raise_alarm(connection, site_key, ALARM, "critical", text, now)


def nobodys(connection: Connection, held: Collection[Held], now: datetime) -> None:
    """Alarm for devices that hold something of ours and cannot be reached by any configuration that can be read."""
    for one in held:
        text = (
            f"{one.device_key} was told something at {one.wire or 'a place that was not noted'}, and the configuration "
            f"({one.config_hash or 'not noted'}) cannot be read any more: look at the device by hand, then say that it "
            f"is in order: ems release {one.site_key} --gone {one.device_key}"
        )
        alarms.raise_alarm(connection, one.site_key, "release-failed", "critical", text, now, one.device_key)
