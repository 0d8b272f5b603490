"""Whoever withdraws is obeyed at once: at whatever a run waits for it happens, not one value is told after it.

A run that decides by what it read a moment ago is wrong for as long as it may have to wait: for a gateway, a lock, a
slow device. The barriers are before and after every transaction, lock and request; values that hand a device back do
not count, they need nobody's leave.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from ems_pipeline import control, time_grid
from ems_pipeline.control.permit import Permit
from ems_pipeline.control.session import SiteSession
from ems_pipeline.warehouse import Warehouse, arming, overrides
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.intents import Intent
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.barriers import Barriers, placed, task_at_work
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE, WARM

EVERY = int(os.environ.get("EMS_EVERY_BARRIER", "17"))
"""Which share of the barriers the suite tries; 1: all of them."""
Withdraw = Callable[[Bench, Warehouse], None]


def disarm(home: Bench, other: Warehouse) -> None:
    with other.engine.begin() as connection:
        arming.disarm(connection, "home01", home.clock.now(), "test")


def disable(home: Bench, other: Warehouse) -> None:
    policy = home.site.control.model_copy(update={"enabled": False})
    with other.engine.begin() as connection:
        registry.register(connection, [home.site.model_copy(update={"control": policy})], home.clock.now())


def deactivate(home: Bench, other: Warehouse) -> None:
    with other.engine.begin() as connection:
        registry.set_active(connection, "home01", False)


def cancel(home: Bench, other: Warehouse) -> None:
    with other.engine.begin() as connection:
        for number in overrides.listing(connection, "home01", home.clock.now())["control_override_id"]:
            overrides.cancel(connection, number, home.clock.now(), "test")


def jump(home: Bench, other: Warehouse) -> None:
    bench.advance(home.clock, minutes=21)


WITHDRAWALS: list[Withdraw] = [disarm, disable, deactivate, cancel, jump]


OVERRIDDEN_A = 13.0
"""The plan has 10 A, which may stand for the override once it is cancelled."""
Counts = Callable[[str, float], bool]


def everything(device: str, value: float) -> bool:
    return True


def by_the_override(device: str, value: float) -> bool:
    return (device, value) == ("wallbox-1", OVERRIDDEN_A)


class Told:
    """Values that arrive in devices although nobody stands for them any more."""

    def __init__(self, home: Bench, barriers: Barriers, patch: pytest.MonkeyPatch, counts: Counts) -> None:
        self.values: list[tuple[str, str, float]] = []
        self._handing_back: set[str] = set()
        self._on_its_way: set[str] = set()
        """Devices whose last request was allowed before the withdrawal, by another task than the one it stopped."""
        write = SiteSession._write

        async def watched(session: SiteSession, prepared: dict[str, Intent]) -> object:
            back = {d for d, p in prepared.items() if p.hands_back}
            self._handing_back |= back
            found = await write(session, prepared)
            self._handing_back -= back
            return found

        asked = Permit.now

        async def allowed(permit: Permit, intent: Intent, at: Callable[[], datetime]) -> str:
            is_early = not barriers.is_over
            found = await asked(permit, intent, at)
            is_elsewhere = barriers.by is None or barriers.by is not task_at_work()
            self._on_its_way.discard(intent.device)
            self._on_its_way |= {intent.device} if is_early and is_elsewhere else set()
            return found

        patch.setattr(SiteSession, "_write", watched)
        patch.setattr(Permit, "now", allowed)
        for device, twin in home.plant.twins.items():
            put = twin.put

            def noting(values: dict[str, float], device: str = device, put: Callable[..., None] = put) -> None:
                if barriers.is_over and device not in self._handing_back | self._on_its_way:
                    self.values += [(device, p, value) for p, value in values.items() if counts(device, value)]
                put(values)

            patch.setattr(twin, "put", noting)


def one_run(home: Bench, due: int, withdraw: Withdraw, monkeypatch: pytest.MonkeyPatch) -> tuple[Barriers, Told]:
    now = home.clock.now()
    with home.warehouse.begin() as connection:
        registry.register(connection, [home.site], now)
        registry.set_active(connection, "home01", True)
        arming.arm(connection, "home01", now, "test")
        until = now + timedelta(hours=4)
        overrides.add(connection, "home01", "car-1", "charge", {"current_a": OVERRIDDEN_A}, now, until, "test", now)
        sites = registry.configured(connection)
    home.plan(CHARGE, CAR, WARM)
    other = Warehouse(home.warehouse.url)
    barriers = Barriers(due, lambda: withdraw(home, other))
    with monkeypatch.context() as patch:
        told = Told(home, barriers, patch, by_the_override if withdraw is cancel else everything)
        with placed(patch, barriers):
            control.run_control(home.warehouse, sites, time_grid.floor_slot(now), now, home.clock)
    other.close()
    return barriers, told


def set_right(home: Bench) -> None:
    """Everything handed back, for the next run to tell it all again."""
    control.release_all(home.warehouse, home.clock.now(), home.clock, "test")
    cancel(home, home.warehouse)
    bench.advance(home.clock, minutes=16)


@pytest.mark.slow
@pytest.mark.parametrize("withdraw", WITHDRAWALS, ids=lambda w: w.__name__)
def test_nothing_is_told_after_a_withdrawal_whatever_the_run_waits_for(
    home: Bench, withdraw: Withdraw, monkeypatch: pytest.MonkeyPatch
) -> None:
    barriers, told = one_run(home, 10**9, withdraw, monkeypatch)
    assert len(home.written) > 20, "undisturbed it tells every device"
    count = barriers.reached
    for due in range(1 + WITHDRAWALS.index(withdraw), count + 1, EVERY):
        set_right(home)
        barriers, told = one_run(home, due, withdraw, monkeypatch)
        assert told.values == [], f"barrier {due} of {count}"
