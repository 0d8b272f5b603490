"""A car nobody steers charges from its arrival with all its wallbox gives, until it is served or leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ems_pipeline.plan import EvSession
from ems_pipeline.plan.assembly.unsteered import charging_w
from ems_pipeline.sites import Charger

START = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
SLOT = timedelta(minutes=15)
STARTS = [START + SLOT * i for i in range(8)]
BOX = Charger(key="car", phases=3, voltage_v=230, max_current_a=16)
FULL_W = 11_040.0


def session(arrives_min: float, departs_min: float, energy_wh: float) -> EvSession:
    return EvSession("car", START + timedelta(minutes=arrives_min), START + timedelta(minutes=departs_min), energy_wh)


@pytest.mark.parametrize(
    ("wanted", "power_w"),
    [
        (session(0, 120, 5520.0), [FULL_W] * 2 + [0.0] * 6),  # two full quarters are 5.52 kWh
        (session(5, 120, 5520.0), [FULL_W * 2 / 3, FULL_W, FULL_W / 3] + [0.0] * 5),  # arrives a third into its slot
        (session(-60, 40, 50_000.0), [FULL_W, FULL_W, FULL_W * 2 / 3] + [0.0] * 5),  # leaves unserved
        (session(200, 300, 5000.0), [0.0] * 8),  # beyond the horizon
        (session(-60, 120, 16_560.0), [FULL_W] * 2 + [0.0] * 6),  # nobody counts: it has had an hour's 11 kWh
        (session(-240, 120, 16_560.0), [0.0] * 8),  # served long ago
    ],
)
def test_the_power_of_a_car_that_is_left_alone(wanted: EvSession, power_w: list[float]) -> None:
    assert charging_w(BOX, wanted, STARTS).tolist() == pytest.approx(power_w)


def test_what_a_charger_counts_is_not_taken_off_twice() -> None:
    wanted = session(-60, 120, 5520.0)
    assert charging_w(BOX, wanted, STARTS, is_counted=True).tolist() == pytest.approx([FULL_W] * 2 + [0.0] * 6)
    assert not charging_w(BOX, wanted, STARTS).any()
