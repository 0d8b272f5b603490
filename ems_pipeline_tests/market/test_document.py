"""Laws of a price document, whatever the source."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline import time_grid
from ems_pipeline.market.document import (
    MARKET_TIMEZONE,
    MalformedDocument,
    NotYetPublished,
    PriceDocument,
    PricePoint,
    agree,
    day_document,
    doubt,
    market_day_slots,
    points_by_position,
)
from ems_pipeline_tests.market.documents import day_prices

DAY = date(2026, 8, 20)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


def points(day: date, prices: list[float], minutes: int = 15) -> list[PricePoint]:
    return points_by_position(dict(enumerate(prices, 1)), minutes, day, "test")


def document(day: date, prices: list[float], minutes: int = 15) -> PriceDocument:
    return day_document(points(day, prices, minutes), day, "CZ", "test")


@given(st.dates(date(2015, 1, 1), date(2040, 1, 1)), st.sampled_from([15, 30, 60]))
def test_a_document_covers_every_quarter_hour_of_the_market_day_once(day: date, minutes: int) -> None:
    start, end = time_grid.day_bounds(day, MARKET_TIMEZONE)
    given_prices = [float(i) for i in range((end - start) // timedelta(minutes=minutes))]
    prices = document(day, given_prices, minutes).prices
    assert prices["starts_at"].to_list() == market_day_slots(day)
    assert prices.height in (92, 96, 100)
    repeats = minutes // 15
    assert prices["price_per_mwh"].to_list() == [p for p in given_prices for _ in range(repeats)]
    assert set(prices["resolution_min"]) == {minutes}


@pytest.mark.parametrize(
    ("day", "first_utc", "last_utc", "count"),
    [
        (DAY, "2026-08-19 22:00", "2026-08-20 21:45", 96),
        (date(2025, 10, 26), "2025-10-25 22:00", "2025-10-26 22:45", 100),
        (SPRING, "2026-03-28 23:00", "2026-03-29 21:45", 92),
    ],
)
def test_positions_become_the_published_instants(day: date, first_utc: str, last_utc: str, count: int) -> None:
    starts = document(day, day_prices(day)).prices["starts_at"].dt.strftime("%Y-%m-%d %H:%M")
    assert (starts[0], starts[-1], len(starts)) == (first_utc, last_utc, count)


@given(st.sampled_from([DAY, SPRING, AUTUMN]), st.data())
def test_a_gap_is_refused_and_named(day: date, data: st.DataObject) -> None:
    all_points = points(day, day_prices(day))
    gap = data.draw(st.integers(0, len(all_points) - 1))
    with pytest.raises(
        MalformedDocument, match=f"first one missing is {all_points[gap].starts_at}".replace("+", r"\+")
    ):
        day_document(all_points[:gap] + all_points[gap + 1 :], day, "CZ", "test")


@pytest.mark.parametrize(
    ("day", "count"), [(SPRING, 96), (SPRING, 100), (AUTUMN, 96), (AUTUMN, 92), (DAY, 92), (DAY, 100)]
)
def test_a_list_of_another_length_than_the_day_is_refused(day: date, count: int) -> None:
    with pytest.raises(MalformedDocument, match=f"to {count}, the day has 1 to {len(market_day_slots(day))}"):
        document(day, [50.0] * count)


def test_nothing_for_the_day_is_not_yet_published() -> None:
    other_day = points(DAY + timedelta(days=1), day_prices(DAY))
    with pytest.raises(NotYetPublished):
        day_document(other_day, DAY, "CZ", "test")


def test_a_missing_price_is_a_gap_and_never_zero() -> None:
    holed = points(DAY, day_prices(DAY))
    holed[40] = PricePoint(holed[40].starts_at, 15, None)
    with pytest.raises(MalformedDocument, match="95 of 96"):
        day_document(holed, DAY, "CZ", "test")


def test_the_same_price_twice_is_accepted_and_two_prices_for_a_slot_are_not() -> None:
    once = points(DAY, day_prices(DAY))
    assert day_document([*once, once[5]], DAY, "CZ", "test").prices.height == 96
    with pytest.raises(MalformedDocument, match="two prices"):
        day_document([*once, PricePoint(once[5].starts_at, 15, 1.0)], DAY, "CZ", "test")


@pytest.mark.parametrize("price", [float("nan"), float("inf"), 86_150.0, -1001.0])
def test_an_unbelievable_price_is_refused(price: float) -> None:
    with pytest.raises(MalformedDocument, match="believable"):
        document(DAY, [*day_prices(DAY)[:-1], price])


def test_four_hours_of_zero_are_in_doubt_and_one_quarter_less_is_not() -> None:
    prices = day_prices(DAY)
    assert doubt(document(DAY, prices[:40] + [0.0] * 15 + prices[55:]), None) is None
    assert "0.00 for 4 h" in str(doubt(document(DAY, prices[:40] + [0.0] * 16 + prices[56:]), None))


def test_yesterdays_list_is_in_doubt() -> None:
    yesterday = document(DAY - timedelta(days=1), day_prices(DAY)).prices
    assert "day before" in str(doubt(document(DAY, day_prices(DAY)), yesterday))
    assert doubt(document(DAY, day_prices(DAY)), yesterday.with_columns(pl.col("price_per_mwh") + 0.01)) is None


def test_prices_beyond_the_auction_limits_are_in_doubt() -> None:
    assert "limits" in str(doubt(document(DAY, [*day_prices(DAY)[:-1], 4000.01]), None))


def test_sources_agree_when_hourly_means_are_equal_to_the_cent() -> None:
    quarters = document(DAY, day_prices(DAY))
    means = [round(sum(day_prices(DAY)[i : i + 4]) / 4, 2) for i in range(0, 96, 4)]
    assert agree(quarters, document(DAY, means, 60))
    assert not agree(quarters, document(DAY, [means[0] + 0.03, *means[1:]], 60))
