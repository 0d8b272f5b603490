"""A site under control for a moment: its drivers, its journal, and the way from an intent to a confirmed echo.

Everything that writes goes through `SiteSession.carry_out`: prepare, journal the intent, write once, read back,
conclude.
Which devices get what is decided elsewhere (`cycle`, `verification`, `release`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from ems_pipeline.control import lifecycle, prepare, trouble
from ems_pipeline.control.live import STATE, Live, Observed
from ems_pipeline.control.outcome import Aside, Outcome
from ems_pipeline.control.permit import LOST, OVERTAKEN, Permit, Withdrawn
from ems_pipeline.control.prepare import Result
from ems_pipeline.control.wires import Wires
from ems_pipeline.devices.driver.contract import Driver, MayGo
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plain_text import told
from ems_pipeline.time_grid import Clock
from ems_pipeline.warehouse import DatabaseUnavailable, alarms, arming, point_maps, setpoints, telemetry
from ems_pipeline.warehouse.arming import Standing
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.engine import Blocked, Connection
from ems_pipeline.warehouse.intents import Intent, Setpoint, State, Step

T = TypeVar("T")
UNSETTLED = frozenset({State.INTENDED, State.SENT})
"""States in which an interrupted controller leaves a set-point."""
SHOWN = ("command", "mode", "point", "value")
"""Parts of a command that an outcome names."""


class Transact(Protocol):
    """Runs a function in one committed transaction without holding up the wires."""

    def __call__(self, work: Callable[[Connection], T]) -> Awaitable[T]: ...


@dataclass
class Journal:
    """What the journal says of a site; kept true by the session."""

    open: list[Setpoint] = field(default_factory=list)
    steered: dict[str, datetime] = field(default_factory=dict)
    """Devices that may hold something of ours, with the slot they were last told for."""
    written_today: Mapping[tuple[str, str], int] = field(default_factory=dict)
    alarms: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Open alarms by device (empty: the site itself) and kind, and what they said when the session began."""

    def of(self, device: str) -> list[Setpoint]:
        """Open set-points of a device, oldest first."""
        return [s for s in self.open if s.device == device]


@dataclass(frozen=True)
class Turn:
    """The right to the wires while their gateways are ours: leave them to those who read, and take them back."""

    pause: Callable[[], Awaitable[None]]
    resume: Callable[[], Awaitable[None]]


class SiteSession:
    """One site on one footing, whose gateways are ours for now."""

    def __init__(
        self, wires: Wires, permit: Permit, turn: Turn, transact: Transact, clock: Clock, slot: datetime
    ) -> None:
        self.site = wires.site
        self.footing = permit.footing
        self.wires = wires
        self.permit = permit
        self.journal = Journal()
        self.standing: Standing | None = None
        """What the database said about steering the site when the journal was read."""
        self.clock = clock
        self.transact = transact
        self.slot = slot
        self._turn = turn
        self._unconcluded: set[str] = set()
        """Devices that were written to, or are to be released, and whose outcome is not committed yet."""

    @property
    def drivers(self) -> Mapping[str, Driver]:
        """Drivers by device."""
        return self.wires.drivers

    async def read_journal(self, load: Callable[[Connection], T]) -> T:
        """Read the journal, and whatever else the caller wants to know, in one transaction."""

        def read(connection: Connection) -> T:
            steered = setpoints.steered(connection, self.site.key)
            self.journal = Journal(
                [s for s in setpoints.open_setpoints(connection, self.site.key) if self._is_ours(s)],
                {s.device: s.slot for s in steered if self.footing.holds(s.held)},
                setpoints.writes_on(connection, self.site.key, self.clock.now().date()),
                alarms.open_texts(connection, self.site.key),
            )
            self.standing = arming.standings(connection, [self.site.key]).get(self.site.key)
            return load(connection)

        return await self.transact(read)

    def _is_ours(self, setpoint: Setpoint) -> bool:
        """Shadows are of no wire: the newest configuration's session ends them."""
        return not self.footing.former if setpoint.is_shadow else self.footing.holds(setpoint.held)

    @property
    def not_steered(self) -> str:
        """Why devices must not be told anything, as of the journal's reading; empty when they may."""
        return self.permit.may(self.standing, self.clock.now())

    async def off_the_wire(self, rest: Awaitable[None]) -> None:
        """Let a device settle, or a value stand, while those who read have the wires."""
        await self.wires.close()
        await self._turn.pause()
        try:
            await rest
        finally:
            await self._turn.resume()

    async def know(self) -> Live:
        """What all devices say now; what they do not answer, as they told telemetry lately.

        Older than the site's ``max_state_age_minutes`` is not known: those who need it are released.
        """
        live = await self.wires.observe()
        if self.wires.told_all(live):
            return live
        now = self.clock.now()
        oldest = now - timedelta(minutes=self.site.control.max_state_age_minutes)
        told = await self.transact(lambda connection: telemetry.latest(connection, [self.site.key], now, oldest))
        known: dict[str, dict[str, float]] = {}
        for device, quantity, value in told.select("device_key", "quantity", "value").iter_rows():
            if quantity in STATE:
                known.setdefault(device, {})[quantity] = value
        devices = {d: Observed(known.get(d, {}) | dict(o.values), o.fault) for d, o in live.devices.items()}
        return Live(self.site, devices)

    async def carry_out(
        self, intents: Sequence[Intent], live: Live, *, is_shadow: bool = False, release_failed: bool = True
    ) -> list[Outcome]:
        """Bring devices to what is intended; one that fails on the way is released at once.

        Args:
            release_failed: False where the caller puts back what stood before.
        """
        wanted = [one for one in intents if not self._is_served(one, is_shadow)]
        prepared = {one.device: self._prepared(one, live) for one in wanted}
        try:
            rows, withheld = await self._intend(list(prepared.values()), live, is_shadow=is_shadow)
        except Withdrawn as withdrawn:
            return await self._withdrawn(str(withdrawn), release=release_failed)
        told = {device: p for device, p in prepared.items() if device not in withheld}
        results = _imagined(told) if is_shadow else await self._write(told)
        await self._conclude(rows, results)
        outcomes = [Outcome(self.site.key, d.device, Aside.STANDS, d.reason) for d in intents if d not in wanted]
        outcomes += [Outcome(self.site.key, device, Aside.SKIPPED, why) for device, why in withheld.items()]
        outcomes += [_outcome(row, results[row.device]) for row in rows]
        failed = {device: f"failed: {result.reason}" for device, result in results.items() if result.failed}
        reachable = [d for d in failed if not (is_shadow or live.devices[d].fault or told[d].is_release)]
        if not release_failed:
            return outcomes
        return outcomes + await self.release({device: failed[device] for device in reachable})

    def _prepared(self, intent: Intent, live: Live) -> Intent:
        driver, observed = self.drivers[intent.device], live.devices[intent.device]
        return prepare.prepare(intent, driver, observed, self.journal.written_today)

    async def _withdrawn(self, why: str, *, release: bool) -> list[Outcome]:
        """Nothing may be told any more: what stands is handed back, unless another run is about to look after it."""
        if why in (OVERTAKEN, LOST):
            return [Outcome(self.site.key, "", Aside.SKIPPED, f"nothing was told: {why}")]
        withdrawn = [Outcome(self.site.key, "", Aside.WITHDRAWN, f"nothing was told: {why}")]
        if not release:
            return withdrawn
        return withdrawn + await self.release(dict.fromkeys(self.drivers, why))

    async def release(self, reasons: Mapping[str, str]) -> list[Outcome]:
        """Hand devices back to their own logic, each for its reason, where they may hold anything of ours."""
        held = {device: reasons[device] for device in self.owe(reasons)}
        if not held:
            return []
        live = await self.wires.observe(held)
        until = self.clock.now() + timedelta(minutes=self.site.control.setpoint_ttl_minutes)
        return await self.carry_out([Intent(d, None, Source.RELEASE, why, until) for d, why in held.items()], live)

    def owe(self, devices: Collection[str]) -> list[str]:
        """Those of the devices that may hold anything of ours: from now on they are let go, journalled or not."""
        held = [device for device in devices if device in self.journal.steered and device in self.drivers]
        self._unconcluded |= set(held)
        return held

    async def let_go_unjournalled(self) -> None:
        """The journal is gone or blocked with writes or releases under way: release those devices all the same, it is
        the safer wrong. The next look finds what stands and journals it."""
        live = await self.wires.observe(self._unconcluded)

        async def let_go(driver: Driver) -> None:
            release = Intent(driver.device, None, Source.RELEASE, "", self.slot)
            await driver.write(prepare.prepare(release, driver, live.devices[driver.device], {}).changes)

        await self.wires.by_gateway(self._unconcluded, let_go)

    def _is_served(self, intent: Intent, is_shadow: bool) -> bool:
        """The same was asked in this slot already, by a run that went before."""
        asked = (intent.command, intent.is_release)
        return any(
            s.slot == self.slot and s.is_shadow == is_shadow and s.state is not State.INTENDED
            and (s.intent.command, s.intent.is_release) == asked
            for s in self.journal.of(intent.device)
        )  # fmt: skip

    async def _intend(
        self, prepared: Sequence[Intent], live: Live, *, is_shadow: bool
    ) -> tuple[list[Setpoint], dict[str, str]]:
        """Commit what is about to be written, after settling what an interrupted controller has left behind; and by
        device why it is not to be told after all.

        Raises:
            Withdrawn: the site may not be steered any more.
        """
        settled: list[Step] = []
        for device in () if is_shadow else (p.device for p in prepared if not p.fault):
            for left in [s for s in self.journal.of(device) if s.state in UNSETTLED and not s.is_shadow]:
                driver, values = self.drivers[device], live.devices[device].values
                settled += prepare.recovered(left, driver.point_map, values, self.clock.now())
        asking = [p for p in prepared if not (is_shadow or p.hands_back)]

        def journal(connection: Connection) -> tuple[list[Setpoint], dict[str, str]]:
            withheld = self.permit.kept(connection, asking, self.clock.now()) if asking else {}
            config_hash, wires = self.footing.config_hash, self.footing.wires
            drafts = [
                Setpoint(self.site.key, self.slot, p, is_shadow, config_hash, wires[p.device])
                for p in prepared
                if p.device not in withheld
            ]
            setpoints.take(connection, settled)
            point_maps.keep(connection, self._maps_of(drafts), self.clock.now())
            return setpoints.intend(connection, drafts, self.clock.now()), withheld

        rows, withheld = await self.transact(journal)
        self.follow(settled)
        self.journal.open += rows
        if not is_shadow:
            told = [p.device for p in prepared if not p.fault and p.device not in withheld]
            self.journal.steered |= dict.fromkeys(told, self.slot)
        return rows, withheld

    def _maps_of(self, drafts: Sequence[Setpoint]) -> list[PointMap]:
        """The maps by which they are told, as they were read: a driver's own is fitted to its device."""
        return [self.footing.maps[self.site.device(draft.device).map] for draft in drafts]

    async def _write(self, prepared: Mapping[str, Intent]) -> dict[str, Result]:
        """Write every change once and read it back; an unexpected fault of one driver is that device's failure."""
        results: dict[str, Result] = {}

        async def write(driver: Driver) -> None:
            one = prepared[driver.device]
            self._unconcluded |= {driver.device} if one.changes else set()
            try:
                results[driver.device] = await _write_once(driver, one, self.may_go(one))
            except Exception as error:
                results[driver.device] = Result((State.SENT, State.FAILED), told(error))

        await self.wires.by_gateway(prepared, write)
        return results

    def may_go(self, intent: Intent) -> MayGo:
        """What each request of an intent asks right before it goes out; nothing holds up a release."""

        async def asked() -> str:
            if intent.hands_back:
                return ""
            try:
                return await self.permit.now(intent, self.clock.now)
            except (DatabaseUnavailable, Blocked) as error:
                return f"whether it may go cannot be asked: {error}"

        return asked

    async def _conclude(self, rows: Sequence[Setpoint], results: Mapping[str, Result]) -> None:
        """Journal what the wire said, end what a new set-point replaces, raise and clear alarms."""
        now = self.clock.now()
        steps: list[Step] = []
        for row in rows:
            result = results[row.device]
            steps += lifecycle.path(row, *result.states, at=now, reason=result.reason, measured=result.found)
            if row.is_shadow or {State.SENT, State.ECHOED} & set(result.states):
                steps += self._superseded(row, now)

        def journal(connection: Connection) -> None:
            setpoints.take(connection, steps)
            for row in rows:
                result = results[row.device]
                if not row.is_shadow:
                    trouble.file(connection, row, result.states[-1], result.reason, now, self.journal.alarms)

        await self.transact(journal)
        self._unconcluded -= {row.device for row in rows}
        self.follow(steps)

    def _superseded(self, row: Setpoint, now: datetime) -> list[Step]:
        """A shadow replaces shadows only: what really stands in the device stands on."""
        former = [s for s in self.journal.of(row.device) if s.setpoint_id != row.setpoint_id]
        return [
            lifecycle.step(s.setpoint_id, s.state, State.SUPERSEDED, now, f"by set-point {row.setpoint_id}")
            for s in former
            if s.is_shadow or not row.is_shadow
        ]

    def follow(self, steps: Sequence[Step]) -> None:
        """Make the session's copy of the journal say what was just committed."""
        states = {step.setpoint_id: step.after for step in steps}
        known = [replace(s, state=states.get(s.setpoint_id, s.state)) for s in self.journal.open]
        self.journal.open = [s for s in known if s.state in lifecycle.OPEN]
        for released in (s.device for s in known if s.state is State.RELEASED):
            self.journal.steered.pop(released, None)


def _imagined(prepared: Mapping[str, Intent]) -> dict[str, Result]:
    """What a shadow comes to: nothing, or the reason why it could not even be asked."""
    return {device: Result((State.FAILED,), p.fault) if p.fault else Result() for device, p in prepared.items()}


async def _write_once(driver: Driver, prepared: Intent, may_go: MayGo) -> Result:
    if prepared.fault:
        return Result((State.FAILED,), prepared.fault)
    if not prepared.changes:
        return prepare.standing(prepared)
    if halted := await may_go():
        return Result((State.SUPERSEDED,), f"held back: {halted}")
    answer = await driver.write(prepared.changes, may_go)
    return prepare.judge(prepared, driver.point_map, answer, await driver.read_back(prepared.changes))


def _outcome(row: Setpoint, result: Result) -> Outcome:
    intent, state = row.intent, Aside.SHADOW if row.is_shadow else result.states[-1]
    said = f" ({result.reason})" if result.reason else ""
    what = " ".join(f"{v:g}" if isinstance(v, float) else str(v) for k, v in intent.document.items() if k in SHOWN)
    return Outcome(row.site_key, row.device, state, f"{what} by {intent.source}: {intent.reason}{said}")
