"""What has to be noticed where sensors cannot: a clock that jumps, a disk that fills, a database that is gone.

The supervisor of `ems up` looks every second. It says what it finds as an alarm, and where the database takes none, to
people directly.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg

from ems_pipeline import settings
from ems_pipeline.devices.ocpp import callers
from ems_pipeline.devices.smartgen import standing as standing_of_poller
from ems_pipeline.homeassistant import standing
from ems_pipeline.notify import Notifier
from ems_pipeline.orchestration.installation.duties import Duties
from ems_pipeline.orchestration.installation.hand_back import let_go
from ems_pipeline.orchestration.installation.herald import Herald
from ems_pipeline.orchestration.machinery.dagster_private import SensorInstigatorData
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import DatabaseUnavailable, logins
from ems_pipeline.warehouse.local import home
from ems_pipeline.warehouse.roles import NOTICES_LOGIN

JUMP_S = 60.0
"""A clock that moved by more than this against the machine's steady one was set, or the machine slept."""
CALM_S = 3600.0
"""How long after a jump its alarm stands."""
EVERY_S = 10.0
"""How often database and disk are looked at."""
GONE_AFTER_S = 60.0
"""How long a database may be away, as when it restarts."""
PERSONS_AFTER_S = 120.0
"""How long whoever tells people may be away, as when it starts again."""
POLLED_AFTER_S = 60.0
"""How long the poller of controllers may be away, as when it starts again."""
GIB = 2**30
LOW_GIB, FULL_GIB = 5, 1
"""Free space from which on people should make room, and must."""


class Watch:
    """Remembers what it has said; ``wall`` and ``steady`` are the machine's two clocks, in seconds."""

    def __init__(
        self,
        platform: Platform,
        notifiers: Sequence[Notifier],
        say: Callable[[str], None],
        after_jump_back: Callable[[], None] = lambda: None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        *,
        tells_persons: bool = False,
        is_called: bool = False,
        tells_home_assistant: bool = False,
        polls_controllers: bool = False,
    ) -> None:
        """Begin to watch.

        Args:
            after_jump_back: what has to be woken, besides the devices that are let go.
            tells_persons: a child of ours tells people by their own channels; that it is gone they hear by other ways.
            is_called: chargers call a child of ours.
            tells_home_assistant: a child of ours tells Home Assistant; that it cannot, people hear.
            polls_controllers: a child of ours polls the controllers of gensets; that it does not, people hear.
        """
        self._platform, self._say = platform, say
        self.herald = Herald(platform, notifiers, say)
        self.has_looked = False
        """Whether the last look was at the database, too."""
        self._duties = Duties(platform, self.herald, say, steady)
        self._after_jump_back = after_jump_back
        self._wall, self._steady = wall, steady
        self._seen = wall(), steady()
        self._tells_persons, self._is_called = tells_persons, is_called
        self._tells_home_assistant, self._begun_at = tells_home_assistant, platform.clock.now()
        self._polls_controllers = polls_controllers
        self._polled_at = self._looked_at = self._answered_at = self._jumped_at = self._told_at = steady()

    def look(self) -> None:
        """Called every second."""
        self._clock()
        self._duties.look()
        self.has_looked = self._steady() - self._looked_at >= EVERY_S
        if self.has_looked:
            self._looked_at = self._steady()
            self._database()
            self._disk()
            self._persons()
            self._home_assistant()
            self._chargers()
            self._controllers()
            if self._steady() - self._jumped_at >= CALM_S:
                self.herald.over("clock-jumped", "the clock has been steady for an hour")

    def _clock(self) -> None:
        wall, steady = self._wall(), self._steady()
        jump_s = (wall - self._seen[0]) - (steady - self._seen[1])
        self._seen = wall, steady
        if abs(jump_s) < JUMP_S:
            return
        way = "back" if jump_s < 0 else "forward"
        text = f"the clock went {way} by {abs(jump_s):.0f} s (or the machine slept); make sure that NTP runs"
        self.herald.forget("clock-jumped")  # every jump is worth saying
        self._jumped_at = steady
        self.herald.tell("clock-jumped", "critical", text)
        if jump_s < 0:
            # Set-points of a time to come would not end for as long, nor may anybody look at the devices.
            for line in let_go(self._platform, text):
                self._say(line)
            self._after_jump_back()

    def _database(self) -> None:
        if self._platform.warehouse.is_up():
            self._answered_at = self._steady()
            self.herald.over("database-down", "the database answers again")
        elif self._steady() - self._answered_at >= GONE_AFTER_S:
            where = self._platform.warehouse.url.render_as_string(hide_password=True)
            text = f"database {where} does not answer; nothing is measured, planned or written until it does"
            self.herald.tell("database-down", "critical", text)

    def _persons(self) -> None:
        """Whoever tells people is at work where somebody works as its login; it looks there all the time."""
        if not self._tells_persons:
            return
        try:
            with self._platform.warehouse.begin() as connection:
                is_there = logins.is_connected(connection, NOTICES_LOGIN)
        except DatabaseUnavailable:
            return
        if is_there:
            self._told_at = self._steady()
            self.herald.over("notices-gone", "people are told by their own channels again")
        elif self._steady() - self._told_at >= PERSONS_AFTER_S:
            text = (
                "the process that tells people by Telegram and e-mail does not work; look at `notices` in services.log"
            )
            self.herald.tell("notices-gone", "warning", text)

    def _home_assistant(self) -> None:
        """Whoever tells Home Assistant says itself how it does; steering has nothing to do with it."""
        if not self._tells_home_assistant:
            return
        now = self._platform.clock.now()
        said = standing.found() or standing.Standing(self._begun_at)
        if trouble := replace(said, at=max(said.at, self._begun_at)).trouble(now):
            text = f"Home Assistant is not told, nor heard: {trouble}"
            self.herald.tell("home-assistant", "warning", text)
        elif not said.fault:
            self.herald.over("home-assistant", "Home Assistant is told and heard again")

    def _chargers(self) -> None:
        """Strangers and wrong clocks among those who call in; what became of a charger telemetry says."""
        if not self._is_called:
            return
        seen = callers.seen(self._platform.sites())
        for kind, what, text in (
            ("charger-stranger", callers.strangers(seen), "nobody unknown has called for an hour"),
            ("charger-clock", callers.wrong_clocks(seen), "the clocks of all chargers are right"),
        ):
            if what:
                self.herald.tell(kind, "warning", what)
            else:
                self.herald.over(kind, text)

    def _controllers(self) -> None:
        """Whether the process that polls controllers answers, and shows its rounds."""
        if not self._polls_controllers:
            return
        fault = standing_of_poller.fault(self._platform.clock.now())
        if not fault:
            self._polled_at = self._steady()
            self.herald.over("controllers-unpolled", "controllers of gensets are polled again")
        elif self._steady() - self._polled_at >= POLLED_AFTER_S:
            text = f"the controllers of gensets are not polled: {fault}; look at `scada` in services.log"
            self.herald.tell("controllers-unpolled", "critical", text)

    def _disk(self) -> None:
        """Only the embedded database's: another server's disk is not ours to see."""
        if settings.DATABASE_URL.is_set():
            return
        free_gib = free_bytes() / GIB
        if free_gib >= LOW_GIB:
            self.herald.over("disk-low", f"{free_gib:.1f} GiB are free again")
        else:
            text = f"{free_gib:.1f} GiB are free at {home()}; a full disk stops the database. Make room, {LOW_GIB} GiB"
            self.herald.tell("disk-low", "critical" if free_gib < FULL_GIB else "warning", text)


def free_bytes() -> int:
    """Free space where the installation keeps its state."""
    folder = next(path for path in (home(), *home().parents) if path.exists())
    return shutil.disk_usage(Path(folder)).free


def wake_sensors(instance: dg.DagsterInstance) -> None:
    """Let sensors be asked now: Dagster asks by the clock, and after it went back not before it is where it was."""
    for state in instance.all_instigator_state():
        data = state.instigator_data
        if isinstance(data, SensorInstigatorData):
            fresh = data._replace(last_tick_timestamp=None, last_tick_start_timestamp=None)
            instance.update_instigator_state(state.with_data(fresh))
