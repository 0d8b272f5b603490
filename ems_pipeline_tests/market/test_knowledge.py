"""When a price counts as known, and what a re-import adds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.market.document import PriceDocument, day_document, points_by_position
from ems_pipeline.market.knowledge import known_at, nominal_publication, price_rows
from ems_pipeline_tests.market.documents import day_prices, hourly_means, instant

DAY = date(2026, 8, 20)
LIVE = instant("2026-08-19T11:31:00+00:00")
LATER = instant("2026-09-10T08:00:00+00:00")


def document(prices: list[float] | None = None, minutes: int = 15) -> PriceDocument:
    listed = day_prices(DAY) if prices is None else prices
    return day_document(points_by_position(dict(enumerate(listed, 1)), minutes, DAY, "test"), DAY, "CZ", "test")


def test_a_live_import_is_known_from_the_moment_it_was_received() -> None:
    assert known_at(document(), LIVE) == (LIVE, "received")
    assert known_at(document(), instant("2026-08-20T05:00:00+00:00"))[1] == "received"


def test_a_past_day_is_known_since_its_nominal_publication() -> None:
    assert known_at(document(), LATER) == (instant("2026-08-19T11:05:00+00:00"), "nominal")


def test_a_stated_publication_between_gate_closure_and_delivery_counts() -> None:
    stated = instant("2026-08-19T11:45:12+00:00")
    assert known_at(replace(document(), published_at=stated), LATER) == (stated, "published")


@pytest.mark.parametrize(
    "stamp", ["2026-09-10T07:59:00+00:00", "2026-08-19T22:00:00+00:00", "2026-08-19T09:59:00+00:00"]
)
def test_a_stamp_of_when_the_document_was_asked_for_is_no_publication(stamp: str) -> None:
    assert known_at(replace(document(), published_at=instant(stamp)), LATER)[1] == "nominal"


@given(
    st.timedeltas(timedelta(hours=1), timedelta(days=100)),
    st.one_of(st.none(), st.timedeltas(timedelta(days=-10), timedelta(days=100))),
)
def test_nothing_is_known_before_gate_closure_or_after_now(after: timedelta, stamped_after: timedelta | None) -> None:
    gate_closure = instant("2026-08-19T10:00:00+00:00")
    stamp = None if stamped_after is None else gate_closure + stamped_after
    since, _ = known_at(replace(document(), published_at=stamp), gate_closure + after)
    assert gate_closure <= since <= gate_closure + after


def test_nominal_publication_follows_the_markets_clock() -> None:
    assert nominal_publication(date(2026, 1, 15)) == instant("2026-01-14T12:05:00+00:00")
    assert nominal_publication(date(2026, 3, 30)) == instant("2026-03-29T11:05:00+00:00")


def test_rows_have_the_columns_of_the_table() -> None:
    rows = price_rows(document(), LIVE)
    assert rows.columns == [
        "zone", "starts_at", "price_per_mwh", "currency", "resolution_min", "source", "doubt", "known_at",
        "known_basis",
    ]  # fmt: skip
    assert rows.height == 96
    assert rows["known_at"].dtype == pl.Datetime("us", "UTC")


def test_a_price_said_again_adds_nothing() -> None:
    stored = price_rows(document(), LIVE)
    assert price_rows(document(), LATER, stored).is_empty()


def test_a_correction_adds_the_changed_slots_known_from_now_even_on_a_past_day() -> None:
    stored = price_rows(document(), LIVE)
    corrected = price_rows(document([11.11, *day_prices(DAY)[1:]]), LATER, stored)
    assert corrected.select("price_per_mwh", "known_at", "known_basis").rows() == [(11.11, LATER, "received")]


def test_slots_missing_in_the_store_are_added_with_their_own_publication() -> None:
    stored = price_rows(document(), LIVE).head(95)
    added = price_rows(document(), LATER, stored)
    assert added["known_basis"].to_list() == ["nominal"]


def test_an_hourly_mean_does_not_correct_quarter_hours_but_quarter_hours_refine_hours() -> None:
    hours = document(hourly_means(day_prices(DAY)), 60)
    assert price_rows(hours, LATER, price_rows(document(), LIVE)).is_empty()
    refined = price_rows(document(), LATER, price_rows(hours, LIVE))
    assert refined.height == 96, "also those that happen to equal their hour: nobody need ask for them again"
    assert set(refined["resolution_min"]) == {15}
