"""Colours as each civil day knew them, and what is stored of a price."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from ems_pipeline.market.tariff import announced_coefficients, effective_price, effective_price_rows
from ems_pipeline_tests.market.test_contracts import PRAGUE, contract, market

TUESDAY, WEDNESDAY = date(2026, 2, 3), date(2026, 2, 4)
COLOURS = {"blue": {"high_per_kwh": 0.2, "low_per_kwh": 0.1}, "white": {"high_per_kwh": 0.3, "low_per_kwh": 0.15},
           "red": {"high_per_kwh": 0.9, "low_per_kwh": 0.18}}  # fmt: skip
TEMPO = contract(energy={"kind": "tempo", "tempo": COLOURS})
STARTS = [datetime(2026, 2, 3, 11, tzinfo=UTC), datetime(2026, 2, 4, 2, tzinfo=UTC)]
"""Noon of Tuesday, and three o'clock at night on Wednesday, which is Tuesday's colour still."""


def colours(*rows: tuple[date, date, str]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=["day", "colour_day", "colour"], orient="row")


def prices(*rows: tuple[date, date, str]) -> list[float]:
    terms = announced_coefficients(TEMPO, reversed(STARTS), PRAGUE, colours(*rows))
    assert terms["starts_at"].to_list() == STARTS
    found: list[float] = terms["fixed_per_kwh"].to_list()
    return found


def test_a_day_is_priced_by_the_colours_that_it_knew() -> None:
    told = (TUESDAY, TUESDAY, "blue"), (WEDNESDAY, TUESDAY, "white"), (WEDNESDAY, WEDNESDAY, "blue")
    assert prices(*told) == pytest.approx([0.2, 0.15])


def test_a_colour_that_a_day_did_not_know_is_the_worst_whatever_another_day_knew() -> None:
    """A weekday of February can be red."""
    assert prices((TUESDAY, TUESDAY, "blue")) == pytest.approx([0.2, 0.18])
    assert prices((WEDNESDAY, TUESDAY, "white")) == pytest.approx([0.9, 0.15])


def test_a_price_is_stored_with_its_parts_and_the_instant_its_newest_input_was_known() -> None:
    terms = announced_coefficients(TEMPO, STARTS[:1], PRAGUE, colours((TUESDAY, TUESDAY, "blue")))
    priced = effective_price(terms, market(STARTS[:1], [80.0]))
    known_at = STARTS[0] - timedelta(hours=3)
    (row,) = effective_price_rows("home", priced, known_at).rows(named=True)
    assert (row["site_key"], row["starts_at"], row["known_at"]) == ("home", STARTS[0], known_at)
    assert (row["buy_per_kwh"], row["sell_per_kwh"], row["spot_per_kwh"]) == pytest.approx((0.2, 0.0, 0.08))
    parts = json.loads(row["components"])
    assert (parts["energy"], parts["markup"], parts["vat"], parts["degraded"]) == (pytest.approx(0.2), 0.0, 0.0, None)
