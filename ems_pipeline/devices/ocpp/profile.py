"""What a charger is told, as charging profiles of OCPP: a safe current for ever, and a current until an instant. Pure.

The set-point's profile ends at the charger by itself, by `validTo` and by the `duration` of its schedule, so that the
safe one below it holds when nobody comes any more. Both are written in the charger's own time: a clock that is an hour
off would else end the set-point at once, or an hour late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

SAFE_ID, SETPOINT_ID, RUNNING_ID = 71, 72, 73
"""Profiles of ours at a charger: a new one with the same number takes the place of the old one."""
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


def safe_profile(limit_a: float, phases: int) -> dict[str, Any]:
    """The profile that holds while no other does."""
    schedule = {"charging_rate_unit": "A", "charging_schedule_period": [_period(limit_a, phases)]}
    return _profile(SAFE_ID, SAFE_LEVEL, DEFAULT, "Relative", schedule)


def setpoint_profile(
    order: Order, now: datetime, ahead: timedelta, transaction: int | str | None = None
) -> dict[str, Any]:
    """The profile of a set-point: for what begins, or for a transaction that runs, which some chargers steer by its own
    alone and others by no other than the first.

    Args:
        ahead: how far the charger's clock is before ours.
    """
    start, until = now + ahead - BEGUN, order.until_at + ahead
    schedule = {
        "charging_rate_unit": "A",
        "start_schedule": _text(start),
        "duration": int((until - start).total_seconds()),
        "charging_schedule_period": [_period(order.limit_a, order.phases)],
    }
    valid = {"valid_from": _text(start), "valid_to": _text(until)}
    if transaction is None:
        return _profile(SETPOINT_ID, SETPOINT_LEVEL, DEFAULT, "Absolute", schedule) | valid
    running = _profile(RUNNING_ID, SAFE_LEVEL, TRANSACTION, "Absolute", schedule)
    return running | valid | {"transaction_id": transaction}


def _profile(number: int, level: int, purpose: str, kind: str, schedule: dict[str, Any]) -> dict[str, Any]:
    return {
        "charging_profile_id": number,
        "stack_level": level,
        "charging_profile_purpose": purpose,
        "charging_profile_kind": kind,
        "charging_schedule": schedule,
    }


def of_201(profile: dict[str, Any]) -> dict[str, Any]:
    """The same as OCPP 2.0.1 writes it: `id`, and a list of schedules of which each has one."""
    number = profile["charging_profile_id"]
    rest = {name: value for name, value in profile.items() if name != "charging_profile_id"}
    if "transaction_id" in rest:
        rest["transaction_id"] = str(rest["transaction_id"])
    return {"id": number, **rest, "charging_schedule": [{"id": number, **profile["charging_schedule"]}]}


def _period(limit_a: float, phases: int) -> dict[str, Any]:
    """Tenths of an ampere, rounded down."""
    return {"start_period": 0, "limit": math.floor(limit_a * 10 + 1e-6) / 10, "number_phases": phases}


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def composite_limit_a(schedule: Any) -> float | None:
    """The current that a composite schedule says for now; None where it says it in another way."""
    if not isinstance(schedule, dict) or schedule.get("charging_rate_unit") != "A":
        return None
    periods = schedule.get("charging_schedule_period")
    first = periods[0] if isinstance(periods, list) and periods else None
    limit = first.get("limit") if isinstance(first, dict) else None
    is_number = isinstance(limit, int | float | Decimal) and not isinstance(limit, bool) and math.isfinite(limit)
    return float(limit) if is_number and limit is not None else None
