"""Doubt has a way out in both directions: confirmed, replaced, or decided at a stated time by what has been true."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.market import sources
from ems_pipeline.market.document import (
    NotYetPublished,
    PriceDocument,
    SourceFailed,
    day_document,
    doubt,
    points_by_position,
)
from ems_pipeline.market.knowledge import price_rows
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import day_prices, hourly_means, instant
from ems_pipeline_tests.market.replay import Answer, Replay

DAY, AUTUMN = date(2026, 8, 20), date(2026, 10, 25)
HOURLY_DAY = date(2024, 4, 6)
"""Eight hours of zeros in CZ, as measured."""
ASKED, DECIDED = instant("2026-08-19T12:29:59+00:00"), instant("2026-08-19T12:30:00+00:00")
"""Just before 14:30 of the day before in the market's time, and then."""


def document(day: date, prices: list[float], minutes: int = 15) -> PriceDocument:
    points = points_by_position(dict(enumerate(prices, 1)), minutes, day, "test")
    return day_document(points, day, "ES", "test")


def with_run(day: date, price: float, hours: float, until: int | None = None) -> list[float]:
    """A believable day with a price for so many hours; up to its end, or up to a position."""
    prices = day_prices(day)
    stop = len(prices) if until is None else until
    start = stop - int(hours * 4)
    return [*prices[:start], *[price] * (stop - start), *prices[stop:]]


@pytest.mark.parametrize("price", [0.0, -0.01, 57.3])
def test_in_the_quarter_hour_market_any_price_is_strange_from_four_hours_on(price: float) -> None:
    assert doubt(document(DAY, with_run(DAY, price, 3.75, until=60)), None) is None
    for until in (60, None):
        found = doubt(document(DAY, with_run(DAY, price, 4, until)), None)
        assert f"exactly {price:.2f} for 4 h on end" in str(found)
        assert found is not None
        assert found.is_possible


def test_in_the_hourly_market_ten_hours_of_a_price_are_no_news_and_zeros_are() -> None:
    hours = hourly_means(day_prices(HOURLY_DAY))
    assert doubt(document(HOURLY_DAY, [*hours[:14], *[0.1] * 10], 60), None) is None
    assert "0.00 for 8 h" in str(doubt(document(HOURLY_DAY, [*hours[:8], *[0.0] * 8, *hours[16:]], 60), None))


@pytest.mark.parametrize(("day", "count"), [(DAY, 96), (HOURLY_DAY, 24)])
@pytest.mark.parametrize("price", [0.0, 80.0])
def test_a_day_of_one_price_is_a_documents_single_point_and_never_true(day: date, count: int, price: float) -> None:
    found = doubt(document(day, [price] * count, 15 if count == 96 else 60), None)
    assert found is not None
    assert not found.is_possible
    assert "for 24 h on end" in str(found)


def test_half_a_day_of_one_price_has_never_been_and_a_quarter_less_may_be() -> None:
    found = [doubt(document(DAY, with_run(DAY, 0.0, hours, until=90)), None) for hours in (11.75, 12)]
    assert [one is not None and one.is_possible for one in found] == [True, False]


@pytest.mark.parametrize("first", [8, 12], ids=["first pass", "second pass"])
@pytest.mark.parametrize("length", [4, 3, 5])
def test_the_repeated_hour_alone_at_exactly_zero_is_in_doubt(first: int, length: int) -> None:
    prices = day_prices(AUTUMN)
    empty = [0.0 if first <= i < first + length else price for i, price in enumerate(prices)]
    found = doubt(document(AUTUMN, empty), None)
    # A run that is shorter than the hour, or goes on beyond both of its passes, is a price like any other.
    is_the_hour = length >= 4 and first + length <= 16
    assert (found is not None) == is_the_hour
    if found is not None:
        assert found.is_possible
        assert "repeat" in str(found)


def test_an_hour_of_zeros_on_a_day_without_a_repeated_one_is_a_price() -> None:
    assert doubt(document(DAY, [0.0 if 8 <= i < 12 else p for i, p in enumerate(day_prices(DAY))]), None) is None


@given(st.sampled_from([DAY, AUTUMN, HOURLY_DAY]), st.data())
def test_a_day_whose_prices_all_differ_is_in_no_doubt(day: date, data: st.DataObject) -> None:
    count = len(day_prices(day))
    prices = data.draw(st.lists(st.integers(-50_000, 400_000), min_size=count, max_size=count, unique=True))
    assert doubt(document(day, [price / 100 for price in prices]), None) is None


def import_alone(server: Replay, prices: list[float], now: datetime, day: date = DAY) -> sources.ImportedDay:
    """Spain, where one source answers."""
    server.answers = {"energy-charts": Answer(shapes.energy_charts(day, prices))}
    return sources.import_day("ES", day, now, server.settings(EMS_ENTSOE_TOKEN=""))


def test_a_true_day_with_hours_of_zeros_is_asked_for_again_and_then_believed_with_its_doubt(server: Replay) -> None:
    zeros = with_run(DAY, 0.0, 8, until=64)
    with pytest.raises(NotYetPublished, match=r"in doubt and decided at 14:30: .*0\.00 for 8 h"):
        import_alone(server, zeros, ASKED)
    imported = import_alone(server, zeros, DECIDED)
    assert imported.document.doubt == "exactly 0.00 for 8 h on end"
    assert imported.document.prices["price_per_mwh"].to_list() == zeros
    assert [attempt.outcome for attempt in imported.attempts] == ["failed", "doubted"]
    assert price_rows(imported.document, DECIDED)["doubt"].unique().to_list() == ["exactly 0.00 for 8 h on end"]


def test_a_past_day_in_doubt_is_decided_at_once(server: Replay) -> None:
    assert import_alone(server, with_run(DAY, 0.0, 8, until=64), DECIDED + timedelta(days=90)).document.doubt


@pytest.mark.parametrize("prices", [[0.0] * 96, [80.0] * 96, with_run(DAY, 0.0, 13)], ids=["zero", "flat", "half"])
def test_what_has_never_been_is_not_believed_however_late_it_is(server: Replay, prices: list[float]) -> None:
    with pytest.raises(SourceFailed, match="doubted"):
        import_alone(server, prices, DECIDED + timedelta(hours=10))


def test_a_possible_list_is_believed_though_an_impossible_one_was_asked_first(server: Replay) -> None:
    zeros = with_run(DAY, 0.0, 6, until=64)
    server.answers = {
        "entsoe": Answer(shapes.entsoe(DAY, "ES", [0.0] * 96)),
        "energy-charts": Answer(shapes.energy_charts(DAY, zeros)),
    }
    imported = sources.import_day("ES", DAY, DECIDED, server.settings())
    assert (imported.document.source, imported.document.prices["price_per_mwh"].to_list()) == ("energy-charts", zeros)


def test_a_confirmation_that_comes_later_takes_the_doubt_away_and_a_doubt_never_replaces_a_price(
    server: Replay,
) -> None:
    zeros = with_run(DAY, 0.0, 6, until=64)
    doubted = price_rows(import_alone(server, zeros, DECIDED).document, DECIDED)
    later = DECIDED + timedelta(hours=2)
    confirmed = price_rows(document(DAY, zeros), later, doubted)
    assert confirmed.height == 96
    assert confirmed["doubt"].null_count() == 96
    assert set(confirmed["known_at"]) == {later}
    in_no_doubt = price_rows(document(DAY, day_prices(DAY)), DECIDED)
    assert price_rows(import_alone(server, zeros, later).document, later, in_no_doubt).is_empty()


def test_a_fault_of_ours_in_one_source_is_named_and_the_next_one_is_asked(
    server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bytes:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(sources.SOURCES["entsoe"], "fetch", broken)
    server.answers = {"energy-charts": Answer(shapes.energy_charts(DAY, day_prices(DAY)))}
    imported = sources.import_day("ES", DAY, ASKED, server.settings())
    assert [attempt.outcome for attempt in imported.attempts] == ["failed", "accepted"]
    assert "ZeroDivisionError: ours" in imported.attempts[0].reason
