"""A portal's twin, and an order as large as they get: TO-4 with its 49 lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ems_pipeline.bitrix.address import Webhook
from ems_pipeline.bitrix.order import Item, Order
from ems_pipeline.bitrix.portal import Portal
from ems_pipeline.bitrix.tasks import Place
from ems_pipeline.plant.bitrix_twin import BitrixTwin, serving_bitrix
from ems_pipeline.time_grid import SimulatedClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLACE = Place(7)


@pytest.fixture(params=[False, True], ids=["old", "rest3"])
def twin(request: pytest.FixtureRequest) -> Iterator[BitrixTwin]:
    """A portal without and with REST 3.0."""
    with serving_bitrix(SimulatedClock(NOON), has_new=request.param) as twin:
        yield twin


@pytest.fixture
def old() -> Iterator[BitrixTwin]:
    """A portal without REST 3.0."""
    with serving_bitrix(SimulatedClock(NOON), has_new=False) as twin:
        yield twin


def portal(twin: BitrixTwin) -> Portal:
    """A process that has just begun to ask."""
    return Portal(Webhook.of(twin.webhook), twin.clock, timeout_s=5.0)


def order(lines: int = 49, key: str = "ems-1a2b3c4d-17") -> Order:
    """Every fifth line is critical; texts hold what a query, HTML and PHP could stumble over."""
    items = tuple(
        Item(f"T{i // 13 + 1}-{i:02d}", f"Долить 50 % & <b> +1 = $result[head] [{i}]", i % 5 == 0) for i in range(lines)
    )
    return Order(key=key, title="TO-4 genset-1", text="4000 h\nhall 2", deadline_at=NOON, items=items)
