"""What Home Assistant says of an entity: a text, the unit it is in, and when it was said. Pure.

Another program stands between the device and us. It repeats what it heard last for as long as it likes, and its owner
may rename an entity or show it in another unit any day: so each answer is taken by the unit and the instant it states.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.driver.document import SHOWN, json_document
from ems_pipeline.devices.points import codec
from ems_pipeline.devices.points.point import Point
from ems_pipeline.devices.points.reading import Quality
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.sites.protocol import ENTITY
from ems_pipeline.units import number_and_unit

USUAL_AGE_S = 300.0
"""As old as a state may be unless the device's option `max_age_s` says otherwise: as old as `now` takes for fresh."""
MOST_AHEAD = timedelta(minutes=1)
"""How far a state may lie in the future of the clock of the same answer."""
UNITS: Mapping[str, Mapping[str, float]] = {
    "W": {"mW": 1e-3, "W": 1.0, "kW": 1e3, "MW": 1e6},
    "Wh": {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6, "GWh": 1e9},
    "%": {"%": 1.0},
    "A": {"mA": 1e-3, "A": 1.0},
    "V": {"mV": 1e-3, "V": 1.0},
    "Hz": {"Hz": 1.0},
    "s": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "l/min": {"L/min": 1.0, "l/min": 1.0, "L/h": 1 / 60, "m³/h": 1000 / 60},
    "°C": {"°C": 1.0, "K": 1.0, "°F": 5 / 9},
}
"""By the unit of a quantity: units an entity may be in, and how many of ours one of theirs is."""
ZEROES = {"K": -273.15, "°F": -160 / 9}
"""What 0 of a unit is in ours, where it is not 0."""
SWITCHED = {"on": 1.0, "off": 0.0}
WITHOUT_VALUE = ("unavailable", "unknown", "none", "")


@dataclass(frozen=True, slots=True)
class State:
    """A state, and when it was written last; None: it does not say."""

    text: str
    unit: str
    said_at: datetime | None


def terms(path: str) -> list[tuple[int, str]]:
    """Entities that add up to a point, each with its sign: ``sensor.import - sensor.export``."""
    return [(-1 if sign == "-" else 1, name) for sign, name in re.findall(rf"([+-]?) ?({ENTITY})", path)]


def state_of(body: bytes, entity: str) -> State:
    """The state in an answer.

    Raises:
        DeviceFault: it is none of this entity.
    """
    document = json_document(body)
    if not isinstance(document, dict) or document.get("entity_id") != entity or "state" not in document:
        raise DeviceFault(Quality.GARBAGE, f"{entity}: not a state of it: {body[:SHOWN]!r}")
    attributes = document.get("attributes")
    unit = attributes.get("unit_of_measurement") if isinstance(attributes, dict) else None
    times = [_instant(document.get(name)) for name in ("last_reported", "last_updated")]
    return State(str(document["state"]), str(unit or ""), max((at for at in times if at), default=None))


def _instant(said: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None


def sample_of(point: Point, parts: Sequence[tuple[int, str, State]], now: datetime, max_age_s: float) -> Sample:
    """A point as its entities say it; as bad as the worst of them.

    Args:
        now: by the clock that wrote the states.
    """
    total = 0.0
    try:
        for sign, entity, state in parts:
            _demand_fresh(entity, state, now, max_age_s)
            total += sign * _number(point, entity, state)
    except DeviceFault as fault:
        return Sample(None, fault.quality, fault.reason)
    return Sample(*codec.judge(point, codec.to_site(point, total)))


def _demand_fresh(entity: str, state: State, now: datetime, max_age_s: float) -> None:
    """What counts is when it was said last, not when it changed; older versions tell only the second."""
    if state.text.lower() in WITHOUT_VALUE:
        said = state.text or "nothing"
        raise DeviceFault(Quality.NOT_READY, f"{entity} is {said}: Home Assistant has no value from its device")
    if state.said_at is None:
        raise DeviceFault(Quality.GARBAGE, f"{entity} does not say when: neither last_reported nor last_updated")
    age = now - state.said_at
    if age > timedelta(seconds=max_age_s):
        raise DeviceFault(
            Quality.NOT_READY,
            f"{entity} was said {age.total_seconds():.0f} s ago and may be {max_age_s:g} s old; does its device "
            "answer? Where it seldom says anything, give the device option max_age_s",
        )
    if age < -MOST_AHEAD:
        ahead_s = -age.total_seconds()
        raise DeviceFault(Quality.NOT_READY, f"{entity} is of {ahead_s:.0f} s from now: a clock was set back")


def _number(point: Point, entity: str, state: State) -> float:
    """The number in the unit of the point."""
    shown = f"{entity} is {state.text[:SHOWN]!r}"
    if not point.unit and state.text in SWITCHED:
        return SWITCHED[state.text]
    try:
        read, printed = number_and_unit(state.text)
    except ValueError as fault:
        raise DeviceFault(Quality.GARBAGE, f"{shown}, {fault}") from None
    if printed:
        raise DeviceFault(Quality.GARBAGE, f"{shown}, which is no number as a whole")
    if not point.unit:
        return read
    known = UNITS.get(point.unit, {})
    if state.unit not in known:
        told = f"in {state.unit[:SHOWN]!r}" if state.unit else "without a unit"
        raise DeviceFault(Quality.GARBAGE, f"{entity} is {told}, and {point.key} wants one of {', '.join(known)}")
    return read * known[state.unit] + ZEROES.get(state.unit, 0.0)
