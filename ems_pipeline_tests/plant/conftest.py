"""A plant shared by read-only tests, and helpers to talk to one through the real drivers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ems_pipeline.time_grid import SimulatedClock

EVENING = datetime(2026, 3, 20, 18, 0, tzinfo=UTC)


@pytest.fixture
def evening() -> SimulatedClock:
    """A clock on a cold Friday evening: dark, both cars expected, the battery part full."""
    return SimulatedClock(EVENING)
