"""What must hold of a situation: every device let go within its time, each register told little, nobody left alive."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from noted_up import Written
from trust_house import KEY, House

MOST_PER_REGISTER = 4
"""Told and let go, twice."""
QUIET_S = 20.0


@dataclass
class Case:
    """One situation, and what was seen of it; instants are seconds since 1970."""

    name: str
    what: str
    house: House = field(repr=False)
    begun_at: float = field(default_factory=time.time)
    """What was written before is another situation's."""
    let_go_s: list[float] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    told_people: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Something of ours is in force, and now it happens."""
        self.begun_at = time.time()

    def law(self, holds: bool, otherwise: str) -> None:
        """Demand something; what is written down says how it is broken."""
        if not holds:
            self.broken.append(otherwise)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def said(self, text: str) -> None:
        """What people read."""
        self.told_people += [line.strip() for line in text.splitlines() if line.strip()]

    def heard(self, alarms: list[str], kind: str) -> None:
        """People are told by an alarm of this kind."""
        found = [alarm for alarm in alarms if f" {kind}:" in alarm]
        self.law(bool(found), f"no alarm {kind}")
        self.told_people += found

    def let_go(self, within_s: float, since: float | None = None, quiet_s: float = QUIET_S, only: str = "") -> None:
        """Every device, or one, holds what a release leaves within so long after ``since`` (the beginning), and on."""
        since = self.begun_at if since is None else since
        while (left := self.house.unlike_rest(only=only)) and time.time() < since + within_s:
            time.sleep(0.25)
        self.law(not left, f"not let go within {within_s:.0f} s: {', '.join(left)}")
        last = max((one.at for one in self.writes() if not only or one.device == only), default=since)
        took_s = max(0.0, last - since)
        self.law(bool(left) or took_s <= within_s, f"let go after {took_s:.1f} s, later than {within_s:.0f} s")
        self.let_go_s.append(round(took_s, 1))
        self.within_s.append(within_s)
        if not left and quiet_s:
            self.quiet(quiet_s)
            after = self.writes(last + 0.001)
            self.law(not after, f"written after it was let go: {_told(after)}")
            standing = self.house.rows("SELECT device_key FROM ems.setpoint WHERE state IN "
                                       "('intended', 'sent', 'echoed', 'effective') AND NOT is_shadow")  # fmt: skip
            self.law(not standing, f"the journal has something standing in {standing}")

    def quiet(self, seconds: float) -> None:
        """Look on for a while."""
        time.sleep(seconds)

    def nobody_left(self) -> None:
        """Nothing of the installation lives on."""
        end = time.time() + 30
        while (alive := self.house.processes()) and time.time() < end:
            time.sleep(0.5)
        self.law(not alive, f"still alive: {alive}")

    def writes(self, since: float | None = None) -> list[Written]:
        """What registers were told since it happened."""
        return self.house.plant.writes(self.begun_at if since is None else since)

    def count(self) -> None:
        """Writes per register: few, and no request that changes nothing."""
        told = self.writes()
        self.counted = dict(Counter(f"{one.device}/{one.point}" for one in told))
        many = {register: n for register, n in self.counted.items() if n > MOST_PER_REGISTER}
        self.law(not many, f"told more than {MOST_PER_REGISTER} times: {many}")
        for request in self.house.plant.needless(self.begun_at):
            self.broken.append(f"told what it held: {_told(request)}")


def prepare(house: House) -> None:
    """An armed site of this key under control, in which nothing of ours stands."""
    house.start()
    house.ems("release", KEY, "--every-device")
    house.ems("control", "arm", KEY, "--days", "1")


def _told(writes: list[Written]) -> str:
    return ", ".join(
        f"{w.device}/{w.point} = {w.value:g} at {time.strftime('%H:%M:%S', time.gmtime(w.at))}" for w in writes
    )
