"""Bitemporal laws: what was known when never changes afterwards."""

from datetime import UTC, datetime, timedelta

import polars as pl

from ems_pipeline.warehouse import Warehouse, known

DAY = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = ("zone", "starts_at")


def prices(price: float, known_at: datetime, n: int = 4) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "zone": ["CZ"] * n,
            "starts_at": [DAY + timedelta(minutes=15 * i) for i in range(n)],
            "price_per_mwh": [price] * n,
            "currency": ["EUR"] * n,
            "resolution_min": [15] * n,
            "source": ["test"] * n,
            "known_at": [known_at] * n,
            "known_basis": ["received"] * n,
        }
    )


def append(warehouse: Warehouse, frame: pl.DataFrame, received_at: datetime) -> int:
    with warehouse.begin() as connection:
        return known.append(
            connection,
            "ems.market_interval_price",
            frame,
            keys=KEYS,
            values=("price_per_mwh", "currency"),
            received_at=received_at,
        )


def seen(warehouse: Warehouse, as_known_at: datetime | None) -> list[float]:
    with warehouse.begin() as connection:
        frame = known.as_known(
            connection,
            "ems.market_interval_price",
            ["starts_at", "price_per_mwh"],
            keys=("starts_at",),
            where="zone = :zone",
            zone="CZ",
            as_known_at=as_known_at,
        )
    return frame["price_per_mwh"].to_list()


def test_a_correction_is_a_new_row_and_the_past_keeps_what_it_knew(warehouse: Warehouse) -> None:
    first, later = DAY - timedelta(hours=11), DAY - timedelta(hours=3)
    assert append(warehouse, prices(80.0, first), first) == 4
    assert append(warehouse, prices(80.0, later), later) == 0, "the same fact imported again is not a new row"
    assert append(warehouse, prices(81.0, later), later) == 4
    assert seen(warehouse, first) == [80.0] * 4
    assert seen(warehouse, None) == [81.0] * 4
    assert seen(warehouse, first - timedelta(seconds=1)) == []


def test_a_late_correction_cannot_pretend_to_have_been_known_earlier(warehouse: Warehouse) -> None:
    first, now = DAY - timedelta(hours=11), DAY + timedelta(days=2)
    assert append(warehouse, prices(99.0, first), received_at=now) == 4
    assert seen(warehouse, DAY) == [81.0] * 4
    assert seen(warehouse, now) == [99.0] * 4
