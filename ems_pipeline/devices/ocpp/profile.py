"""What a charger is told, as charging profiles of OCPP: a safe current for ever, and a current until an instant. Pure.

The set-point's profile ends at the charger by itself, by `validTo` and by the `duration` of its schedule, so that the
safe one below it holds when nobody comes any more. Both are written in the charger's own time: a clock that is an hour
off would else end the set-point at once, or an hour late.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeGuard

SAFE_ID, SETPOINT_ID, RUNNING_ID, NEXT_CONNECTOR = 71, 72, 73, 100
"""Profiles of ours at connector 1, and how much higher those of the next one are numbered: a new one with the same
number takes the place of the old one, at whatever connector of the station that stands."""
SAFE_LEVEL, SETPOINT_LEVEL = 0, 1
"""Of two profiles for the same purpose the one of the higher level holds."""
DEFAULT, TRANSACTION = "TxDefaultProfile", "TxProfile"
BEGUN = timedelta(seconds=60)
"""A schedule begins a minute ago, so that a charger whose clock is some seconds late follows it at once."""


@dataclass(frozen=True, slots=True)
class Order:
    """A current per phase, A (0: pause), until an instant."""

    limit_a: float
    phases: int
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Offer:
    """What a charger says that it offers: A per phase, and by how many phases where it says that."""

    limit_a: float
    phases: int | None = None


def number_at(number: int, connector: int) -> int:
    """A profile's number at a connector."""
    return number + NEXT_CONNECTOR * (connector - 1)


def safe_profile(limit_a: float, phases: int, connector: int = 1) -> dict[str, Any]:
    """The profile that holds while no other does."""
    schedule = {"charging_rate_unit": "A", "charging_schedule_period": [_period(0, limit_a, phases)]}
    return _profile(number_at(SAFE_ID, connector), SAFE_LEVEL, DEFAULT, "Relative", schedule)


@dataclass(frozen=True, slots=True)
class When:
    """Instants of a profile: now, the charger's clock before ours, and until when nothing is offered yet."""

    now: datetime
    ahead: timedelta = timedelta(0)
    pauses_until: datetime | None = None


def setpoint_profile(
    order: Order, when: When, transaction: int | str | None = None, connector: int = 1
) -> dict[str, Any]:
    """The profile of a set-point: for what begins, or for a transaction that runs, which some chargers steer by its own
    alone and others by no other than the first."""
    start, until = when.now + when.ahead - BEGUN, order.until_at + when.ahead
    schedule = {
        "charging_rate_unit": "A",
        "start_schedule": _text(start),
        "duration": int((until - start).total_seconds()),
        "charging_schedule_period": list(_periods(order, when)),
    }
    valid = {"valid_from": _text(start), "valid_to": _text(until)}
    if transaction is None:
        number = number_at(SETPOINT_ID, connector)
        return _profile(number, SETPOINT_LEVEL, DEFAULT, "Absolute", schedule) | valid
    running = _profile(number_at(RUNNING_ID, connector), SAFE_LEVEL, TRANSACTION, "Absolute", schedule)
    return running | valid | {"transaction_id": transaction}


def _periods(order: Order, when: When) -> Iterator[dict[str, Any]]:
    """Nothing by the new phases until the pause is over, then the current."""
    begin_s = 0
    if when.pauses_until is not None and when.now < when.pauses_until < order.until_at:
        yield _period(0, 0.0, order.phases)
        begin_s = math.ceil((when.pauses_until - when.now + BEGUN).total_seconds())
    yield _period(begin_s, order.limit_a, order.phases)


def _profile(number: int, level: int, purpose: str, kind: str, schedule: dict[str, Any]) -> dict[str, Any]:
    return {
        "charging_profile_id": number,
        "stack_level": level,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": kind,
        "charging_schedule": schedule,
    }


def of_201(profile: dict[str, Any], phase_to_use: int | None = None) -> dict[str, Any]:
    """The same as OCPP 2.0.1 writes it: `id`, a list of schedules of which each has one, the phase of a single one."""
    number = profile["charging_profile_id"]
    rest = {name: value for name, value in profile.items() if name != "charging_profile_id"}
    if "transaction_id" in rest:
        rest["transaction_id"] = str(rest["transaction_id"])
    schedule, chosen = profile["charging_schedule"], {"phase_to_use": phase_to_use} if phase_to_use else {}
    periods = [p | (chosen if p["number_phases"] == 1 else {}) for p in schedule["charging_schedule_period"]]
    schedules = [{"id": number, **schedule, "charging_schedule_period": periods}]
    return {"id": number, **rest, "charging_schedule": schedules}


def _period(start_s: int, limit_a: float, phases: int) -> dict[str, Any]:
    """Tenths of an ampere, rounded down."""
    return {"start_period": start_s, "limit": math.floor(limit_a * 10 + 1e-6) / 10, "number_phases": phases}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def composite(schedule: Any, after_s: float = 0.0) -> Offer | None:
    """What a composite schedule says for an instant so long after its begin; None where it says it in another way."""
    if not isinstance(schedule, dict) or schedule.get("charging_rate_unit") != "A":
        return None
    said = schedule.get("charging_schedule_period")
    periods = [p for p in said if isinstance(p, dict)] if isinstance(said, list) else []
    begun = [p for p in periods if _is_number(p.get("start_period", 0)) and p.get("start_period", 0) <= after_s]
    limit, phases = (begun[-1].get("limit"), begun[-1].get("number_phases")) if begun else (None, None)
    return Offer(float(limit), phases if phases in (1, 2, 3) else None) if _is_number(limit) else None


def _is_number(found: Any) -> TypeGuard[int | float | Decimal]:
    return isinstance(found, int | float | Decimal) and not isinstance(found, bool) and math.isfinite(found)
