"""What a quarter-hour was known to cost at an earlier moment stays so, whatever is priced again later."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.market import cnb, fx
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, audits, market
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.orchestration.test_market_import import DAY, FIXED, OVERDUE, empty, irish, price_sites

__all__ = ["empty"]
LATER = [OVERDUE + timedelta(days=n) for n in range(1, 5)]
DUBLIN = time_grid.day_bounds(DAY, time_grid.zone("Europe/Dublin"))
LOCAL = {"market_zone": "NL", "timezone": "Europe/Amsterdam"}


def fixed(home01: Site, energy: float) -> Site:
    period = FIXED["periods"][0] | {"energy": {"kind": "fixed", "price_per_kwh": energy}}  # type: ignore[index]
    return irish(home01, tariff=FIXED | {"periods": [period]})


def noon(warehouse: Warehouse, site: Site, at: datetime) -> float:
    start = DUBLIN[0] + timedelta(hours=12)
    with warehouse.begin() as connection:
        found = market.effective_prices(connection, [site.key], start, start + time_grid.SLOT, at)
    return float(found["buy_per_kwh"].item())


def settled(warehouse: Warehouse, site: Site, at: datetime) -> list[float]:
    """Buying prices that settlement takes as known at an instant; nothing is kept."""
    with warehouse.begin() as connection:
        audits.fill(connection, site.key, *DUBLIN, at)
        prices = audits.slots(connection, site.key, *DUBLIN)["buy_per_kwh"].to_list()
        connection.rollback()
    return prices


def test_a_tariff_that_goes_and_comes_back_costs_what_it_cost_at_each_moment(empty: Warehouse, home01: Site) -> None:
    first, second = fixed(home01, 0.25), fixed(home01, 0.45)
    a, b = 1.23 * 0.30, 1.23 * 0.50
    price_sites(empty, [first], OVERDUE)
    price_sites(empty, [second], LATER[0])
    price_sites(empty, [first], LATER[1])
    price_sites(empty, [first], LATER[2])
    moments = [OVERDUE, LATER[0] - time_grid.SLOT, LATER[0], LATER[1] - time_grid.SLOT, LATER[1], LATER[3]]
    assert [noon(empty, first, at) for at in moments] == pytest.approx([a, a, b, b, a, a])
    assert [settled(empty, first, at)[48] for at in moments] == pytest.approx([a, a, b, b, a, a])
    with empty.begin() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM ems.effective_price").scalar_one()
    assert rows == 3 * 96, "what is priced again and costs the same is no news"


def test_a_market_price_that_is_corrected_and_corrected_back_leaves_every_earlier_answer(
    empty: Warehouse, home01: Site
) -> None:
    period = FIXED["periods"][0] | {"energy": {"kind": "spot"}, "sell": {"kind": "spot"}}  # type: ignore[index]
    site = irish(home01, key="haarlem", tariff=FIXED | {"periods": [period]}, **LOCAL)
    start, end = time_grid.day_bounds(DAY, time_grid.zone("Europe/Amsterdam"))

    def said(per_mwh: float, now: datetime) -> None:
        starts = time_grid.slots(start, end)
        frame = pl.DataFrame({"starts_at": starts}).with_columns(
            zone=pl.lit("NL"), price_per_mwh=pl.lit(per_mwh), currency=pl.lit("EUR"), resolution_min=pl.lit(15),
            source=pl.lit("test"), known_basis=pl.lit("nominal"),
            known_at=pl.lit(OVERDUE - timedelta(hours=2)).cast(pl.Datetime("us", "UTC")),
        )  # fmt: skip
        with empty.begin() as connection:
            registry.register(connection, [site], now)
            market.add_prices(connection, frame, now)
        price_sites(empty, [site], now)

    said(80.0, OVERDUE)
    said(120.0, LATER[0])
    said(80.0, LATER[1])
    a, b = 1.23 * 0.13, 1.23 * 0.17
    moments = [OVERDUE - timedelta(hours=2), OVERDUE, LATER[0] - time_grid.SLOT, LATER[0], LATER[1], LATER[3]]
    assert [noon(empty, site, at) for at in moments] == pytest.approx([a, a, a, b, a, a])


def test_a_rate_that_is_final_stays_so_when_its_day_is_fetched_again(empty: Warehouse) -> None:
    """Fetched on its day a rate has one row; fetched later the day has the provisional ones before it, too."""
    wednesday, thursday = date(2026, 8, 19), date(2026, 8, 20)
    lists = [cnb.RateList(wednesday, {"EUR": 24.0}), cnb.RateList(thursday, {"EUR": 24.5})]
    lived, later = (time_grid.local_instant(day, time(18), fx.PRAGUE) for day in (thursday, date(2026, 8, 25)))
    with empty.begin() as connection:
        market.add_fx(connection, fx.rate_rows(lists, thursday, lived), lived)
        stored = market.fx_versions(connection, "EUR", "CZK", thursday, thursday)
        again = fx.new_rows(fx.rate_rows(lists, thursday, later), stored)
        assert market.add_fx(connection, again, later) == 0
        rates = market.fx_versions(connection, "EUR", "CZK", thursday, thursday)
    assert rates.select("rate", "is_provisional").rows() == [(24.5, False)]


def test_a_rate_that_is_corrected_and_corrected_back_is_known_as_it_was_at_each_moment(empty: Warehouse) -> None:
    day, said = date(2026, 8, 24), list[float]()
    for hour, rate in enumerate((24.0, 24.9, 24.0)):
        at = time_grid.local_instant(day, time(15 + hour), fx.PRAGUE)
        with empty.begin() as connection:
            stored = market.fx_versions(connection, "EUR", "CZK", day, day)
            told = fx.rate_rows([cnb.RateList(day, {"EUR": rate})], day, at)
            market.add_fx(connection, fx.new_rows(told, stored), at)
            said = market.fx_versions(connection, "EUR", "CZK", day, day).sort("known_at")["rate"].to_list()
    assert said == [24.0, 24.9, 24.0]
