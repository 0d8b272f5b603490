"""How the process does that tells Home Assistant: a small file in the home, for `ems up` and for `ems doctor`.

It has no database, and when the broker is lost it can tell nobody: so whoever looks after it reads here.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ems_pipeline import settings

NAME = "homeassistant.json"
EVERY = timedelta(seconds=20)
"""How often it says that it is there."""
GONE_AFTER = timedelta(seconds=120)
"""As old as the file may be; and how long a fault may last: brokers restart."""


@dataclass(frozen=True)
class Standing:
    """What it said of itself: when, and since when what is wrong; no fault: it is well."""

    at: datetime
    fault: str = ""
    since: datetime | None = None

    def trouble(self, now: datetime) -> str:
        """What people should know of by now; empty: nothing."""
        if now - self.at > GONE_AFTER:
            return f"it has said nothing since {self.at:%H:%M} UTC; look at `homeassistant` in services.log"
        return self.fault if self.since is not None and now - self.since >= GONE_AFTER else ""


def place() -> Path:
    """Where the file is."""
    return settings.HOME.read().resolve() / NAME


def found() -> Standing | None:
    """What was said last; None: nothing that can be read."""
    try:
        said = json.loads(place().read_text(encoding="utf-8"))
        since = said["since"] and datetime.fromisoformat(said["since"])
        return Standing(datetime.fromisoformat(said["at"]), str(said["fault"]), since)
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Keeper:
    """Says how it goes; writes when that changes, and now and then."""

    def __init__(self) -> None:
        self._last: Standing | None = None

    def keep(self, fault: str, at: datetime) -> None:
        before = self._last
        is_same = before is not None and before.fault == fault
        if before is not None and is_same and before.at <= at < before.at + EVERY:
            return
        goes_on = before is not None and bool(before.fault) and bool(fault)
        since = (before.since if goes_on and before is not None else at) if fault else None
        self._last = Standing(at, fault, since)
        said = {"at": at.isoformat(), "fault": fault, "since": since and since.isoformat()}
        new = place().with_suffix(".new")
        new.write_text(json.dumps(said), encoding="utf-8")
        os.replace(new, place())
