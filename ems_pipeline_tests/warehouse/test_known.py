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


def test_what_was_the_case_before_is_news_again_whatever_instant_it_claims(warehouse: Warehouse) -> None:
    """81 was known first, 99 is; 81 said again under its old instant is a correction of 99."""
    claimed, now = DAY - timedelta(hours=3), DAY + timedelta(days=3)
    assert append(warehouse, prices(81.0, claimed), received_at=now) == 4
    assert seen(warehouse, now - timedelta(seconds=1)) == [99.0] * 4
    assert seen(warehouse, now) == [81.0] * 4
    assert append(warehouse, prices(81.0, claimed), received_at=now + timedelta(days=1)) == 0


def test_a_past_day_filled_later_has_its_history_and_one_that_was_lived_keeps_its_own(warehouse: Warehouse) -> None:
    noon, evening, now = DAY - timedelta(hours=12), DAY - timedelta(hours=4), DAY + timedelta(days=9)
    history = pl.concat([prices(10.0, noon, n=1), prices(11.0, evening, n=1)]).with_columns(zone=pl.lit("DE-LU"))
    with warehouse.begin() as connection:

        def add(frame: pl.DataFrame, at: datetime) -> int:
            values = ("price_per_mwh",)
            return known.append(
                connection, "ems.market_interval_price", frame, keys=KEYS, values=values, received_at=at
            )

        def at(instant: datetime) -> float:
            frame = known.as_known(
                connection,
                "ems.market_interval_price",
                ["starts_at", "price_per_mwh"],
                keys=("starts_at",),
                where="zone = 'DE-LU'",
                as_known_at=instant,
            )
            return float(frame["price_per_mwh"].item())

        assert add(history, now) == 2
        assert (at(noon), at(evening)) == (10.0, 11.0)
        later = now + timedelta(days=1)
        assert add(history, later) == 0, "said again"
        assert add(history.with_columns(pl.col("price_per_mwh") + 5), later) == 1, "only what it is now"
        assert (at(noon), at(evening), at(now), at(later)) == (10.0, 11.0, 11.0, 16.0)
        connection.rollback()
