"""From an intent to the writes that would change something, and from an answer to the steps it means. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from ems_pipeline.control import lifecycle
from ems_pipeline.control.live import Observed
from ems_pipeline.devices.driver.contract import Acknowledgement, Driver, Echo, Live, PointWrite, SetpointRefused
from ems_pipeline.devices.driver.translation import UNTIL, changed, proof_of, stands
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plain_text import plain
from ems_pipeline.sentence import setpoints as say
from ems_pipeline.warehouse.intents import Intent, Setpoint, State, Step

WrittenToday = Mapping[tuple[str, str], int]
"""Writes of this UTC day by device and point."""


@dataclass(frozen=True)
class Result:
    """How far a set-point came, and why not further; ``found``: what was read back from the points written."""

    states: tuple[State, ...] = ()
    reason: str = ""
    found: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", plain(self.reason))  # it may repeat what a device says

    @property
    def failed(self) -> bool:
        """Whether the device is to be handed back: it failed, or was held back at the wire."""
        return State.FAILED in self.states or State.SUPERSEDED in self.states


def prepare(intent: Intent, driver: Driver, observed: Observed, written_today: WrittenToday) -> Intent:
    """The intent with its writes, within the write budget unless it hands something back."""
    if fault := observed.fault or intent.fault:
        return replace(intent, fault=fault)
    try:
        if intent.told is None:
            writes = driver.release_writes(observed.values)
        else:
            writes = driver.translate(intent.told, {**observed.values, UNTIL: intent.valid_until.timestamp()})
    except SetpointRefused as refusal:
        return replace(intent, fault=str(refusal))
    changes = changed(driver.point_map, writes, observed.values)
    fault = "" if intent.hands_back else _over_budget(driver, changes, written_today)
    keys = {w.point: driver.point_map.point(w.point).key for w in changes}
    before = {point: observed.values[key] for point, key in keys.items() if key in observed.values}
    return replace(intent, writes=writes, changes=changes, fault=fault, before=before)


def _over_budget(driver: Driver, changes: Sequence[PointWrite], written_today: WrittenToday) -> str:
    for write in changes:
        budget = driver.point_map.point(write.point).writes_per_day
        done = written_today.get((driver.device, write.point), 0)
        if budget is not None and done >= budget:
            return (
                f"{write.point} was written {done} times today, its memory is allowed {budget}; it waits for tomorrow"
            )
    return ""


def standing(intent: Intent) -> Result:
    """Nothing had to be written: the device holds it all."""
    return _arrived((), intent, say.STOOD_ALREADY())


def judge(intent: Intent, point_map: PointMap, answer: Acknowledgement, echoes: Sequence[Echo]) -> Result:
    """What one write came to. An answer that got lost is no failure when the values stand.

    A device that needs time to settle may echo the old value for a while: the set-point stays `sent` and the
    verification judges it.
    """
    wrong = [e for e in echoes if not e.matches]
    found = {e.point: e.found for e in echoes if e.found is not None}
    # What went in one request with a point that stands has arrived, be its answer lost: the effect must show the rest.
    arrived = {point_map.point(e.point).block for e in echoes if e.matches} - {None}
    seen = {e.point for e in echoes}
    unseen = [a for a in answer.answers if a.point not in seen and point_map.point(a.point).block not in arrived]
    if refused := [a for a in unseen if not a.accepted]:
        return Result((State.SENT, State.FAILED), Acknowledgement(tuple(refused)).reason, found)
    if not wrong:
        said = "" if answer.accepted else f"stands, though {answer.reason}"
        said = said or "; ".join(f"{a.point} cannot be read back, its effect must show it" for a in unseen)
        return replace(_arrived((State.SENT,), intent, said), found=found)
    described = "; ".join(difference(e) for e in wrong)
    settles = any(point_map.point(e.point).settle_s > 0 for e in wrong)
    if answer.accepted and settles:
        return Result((State.SENT,), say.NOT_ECHOED(what=described), found)
    return Result((State.SENT, State.FAILED), "; ".join(r for r in (answer.reason, described) if r), found)


def _arrived(before: tuple[State, ...], intent: Intent, reason: str) -> Result:
    end = (State.RELEASED,) if intent.is_release else ()
    return Result((*before, State.ECHOED, *end), reason)


def difference(echo: Echo) -> str:
    """What is wrong about an echo."""
    if echo.found is None:
        return f"{echo.point} cannot be read back ({echo.reason})"
    wanted, found = _shown(echo.point, echo.wanted), _shown(echo.point, echo.found)
    if echo.point in say.DIFFERS:
        return say.DIFFERS[echo.point](wanted=wanted, found=found)
    return f"{echo.point} was to be {wanted} and is {found}"


def _shown(point: str, value: float) -> str:
    """A value as people read it: a set runs until an instant, which its point holds in seconds since 1970 (0: none)."""
    if point.endswith("_until"):
        return f"{datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC" if value > 0 else say.NOTHING()
    return f"{value:.10g}"


def missing(point_map: PointMap, setpoint: Setpoint, live: Live) -> str:
    """What of a journalled set-point does not stand in the device; empty when all of it does."""
    wanted = [w for w in setpoint.intent.writes if not point_map.point(w.point).heartbeat]
    shown = [(w, proof) for w in wanted if (proof := proof_of(point_map, point_map.point(w.point))) is not None]
    absent = [(w, live.get(proof.key)) for w, proof in shown if not stands(point_map, w, live)]
    return "; ".join(difference(Echo(w.point, w.value, found, 0.0, "not read")) for w, found in absent)


def recovered(setpoint: Setpoint, point_map: PointMap, live: Live, at: datetime) -> list[Step]:
    """Steps of a set-point whose controller died between intent and echo: what stands in the device decides."""
    before = () if setpoint.state is State.SENT else (State.SENT,)
    absent = missing(point_map, setpoint, live)
    end = (State.RELEASED,) if setpoint.intent.is_release else ()
    points = [point_map.point(w.point) for w in setpoint.intent.writes]
    if unseen := next((p.name for p in points if proof_of(point_map, p) is None), ""):
        absent = absent or f"nobody can see whether {unseen} was sent"
    if setpoint.intent.writes and not absent:
        return lifecycle.path(
            setpoint, *before, State.ECHOED, *end, at=at, reason="found standing after an interruption"
        )
    return lifecycle.path(setpoint, *before, State.FAILED, at=at, reason=f"interrupted: {absent or 'nothing was sent'}")
