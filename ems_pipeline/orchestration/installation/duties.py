"""Is clock work being done? Judged by what it leaves in the tables, from outside the code that does it.

Sensors cannot notice that sensors are not asked. The supervisor looks; it counts by the machine's steady clock how long
nothing new has come, so that a clock that jumps is no missing work. What outlives its time meanwhile it lets go itself.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ems_pipeline import control
from ems_pipeline.orchestration.installation.herald import Herald
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import DatabaseUnavailable, served

EVERY_S = 15.0
"""How often the tables are looked at."""


@dataclass(frozen=True)
class Duty:
    """One kind of clock work, and how long it may leave nothing new before people hear of it."""

    kind: str
    """Of the alarm, and of what `served.left_behind` calls it."""
    longest_s: float
    text: str


DUTIES = (
    Duty("telemetry-stopped", 300, "no device was read"),
    Duty("plan-stopped", 2100, "no plan was made"),
    Duty("control-stopped", 1200, "control decided nothing"),
)
"""Every minute, every quarter-hour, every quarter-hour: five, two and one of them in a row, and some slack."""


class Duties:
    """Remembers when each duty was last seen to be done; ``steady`` is the machine's steady clock, in seconds."""

    def __init__(
        self,
        platform: Platform,
        herald: Herald,
        say: Callable[[str], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._platform, self._herald, self._say, self._steady = platform, herald, say, steady
        self._looked_at = steady()
        self._seen: dict[str, tuple[Any, float]] = {}

    def look(self) -> None:
        """Called every second."""
        if self._steady() - self._looked_at < EVERY_S:
            return
        self._looked_at = self._steady()
        try:
            with self._platform.warehouse.begin() as connection:
                left = served.left_behind(connection)
                overdue = served.overdue(connection, self._platform.clock.now())
        except DatabaseUnavailable:
            self._seen.clear()  # nobody could leave anything; that is told elsewhere
            return
        for duty in DUTIES:
            self._judge(duty, left[duty.kind] if left["sites"] else self._looked_at)
        if overdue:
            self._let_go(overdue)

    def _judge(self, duty: Duty, newest: Any) -> None:
        before, since = self._seen.get(duty.kind, (newest, self._looked_at))
        if newest != before or duty.kind not in self._seen:
            since = self._looked_at
        self._seen[duty.kind] = newest, since
        waited_s = self._looked_at - since
        if waited_s >= duty.longest_s:
            text = (
                f"{duty.text} for {waited_s / 60:.0f} min; set-points end by themselves and are handed back. Look at "
                "the end of services.log; does the code load?"
            )
            self._herald.tell(duty.kind, "critical", text, now=True)
        elif newest != before:
            self._herald.over(duty.kind, f"clock work goes on: {duty.kind.removesuffix('-stopped')}")

    def _let_go(self, overdue: list[str]) -> None:
        """Look at the devices as verification would: what has ended is journalled as such and released."""
        sites = [site for site in self._platform.sites() if site.key in overdue]
        now = self._platform.clock.now()
        for outcome in control.run_verification(self._platform.warehouse, sites, now, self._platform.clock):
            self._say(str(outcome))
