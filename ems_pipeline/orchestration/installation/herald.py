"""Alarms of those who look from outside the loaded code: filed where the database takes them, told to people otherwise.

What is filed is told by the sensor `alarm_notices`. Where that may be what has stopped, people are told from here.
"""

from collections.abc import Callable, Sequence

from ems_pipeline.notify import Notice, Notifier, NotSent
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import DatabaseUnavailable, alarms


class Herald:
    """Remembers what it has said, and says it once.

    ``say`` is the log: the notifiers are the ways beside it.
    """

    def __init__(self, platform: Platform, notifiers: Sequence[Notifier], say: Callable[[str], None]) -> None:
        self._platform, self._notifiers, self._say = platform, notifiers, say
        self._said: dict[str, str] = {}
        """Severity by kind of what stands; empty: known to be over."""
        self._told_here: set[str] = set()

    def tell(self, kind: str, severity: str, text: str, *, now: bool = False) -> None:
        """File an alarm that does not stand yet.

        Args:
            now: tell people from here, too: those who otherwise do may be what has stopped.
        """
        if self._said.get(kind) == severity:
            return
        self._said[kind] = severity
        self._say(f"{severity}: {text}")
        at = self._platform.clock.now()
        try:
            with self._platform.warehouse.begin() as connection:
                alarms.raise_alarm(connection, None, kind, severity, text, at)
        except DatabaseUnavailable:
            now = True
        if now:
            self._told_here.add(kind)
            self._send(Notice(0, severity, "", "", kind, text, at))

    def over(self, kind: str, text: str) -> None:
        """What stood is over, also what a former process has said."""
        if self._said.get(kind) == "":
            return
        at = self._platform.clock.now()
        try:
            with self._platform.warehouse.begin() as connection:
                was_filed = alarms.clear(connection, None, kind, at)
        except DatabaseUnavailable:
            return
        if self._said.get(kind) and (kind in self._told_here or not was_filed):  # told from here, so its end is, too
            self._send(Notice(0, "info", "", "", kind, text, at))
        if self._said.get(kind):
            self._say(text)
        self._told_here.discard(kind)
        self._said[kind] = ""

    def forget(self, kind: str) -> None:
        """Say it anew the next time: each time is worth it."""
        self._said.pop(kind, None)

    def _send(self, notice: Notice) -> None:
        for notifier in self._notifiers:
            try:
                notifier.send([notice])
            except NotSent as error:
                self._say(f"not told: {error}")
