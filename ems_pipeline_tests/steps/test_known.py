"""What plans need is read for all sites of a run at once; a site that cannot be read or planned costs itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from benchmarks.years import add_sites, live_through
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.sites import DailyWindow, DeferrableLoad, Genset, Site
from ems_pipeline.steps import known
from ems_pipeline.steps.deciding import Decision, Wanted, decisions
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.situation import InputsMissing, plan_inputs
from ems_pipeline.time_grid import MINUTE, SLOT, SimulatedClock
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse, forecasts, market, sites, telemetry
from ems_pipeline_tests.copies import copy_of, metered
from ems_pipeline_tests.readings import answers
from ems_pipeline_tests.warehouse.test_views_cost import SLACK, rows_of

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
AT = START + 5 * MINUTE
"""Enough of the quarter-hour is left to be planned: whether a plan holds in it is asked as well."""
KNOWN = START - timedelta(hours=20)
SLOTS = 8
LOGGER = logging.getLogger(__name__)
Making = list[tuple[Site, Callable[[], Decision]]]


@pytest.fixture
def platform(warehouse: Warehouse) -> Platform:
    with warehouse.begin() as connection:
        connection.execute(sa.text("TRUNCATE ems.site CASCADE"))
    return Platform(warehouse, SimulatedClock(AT), list)


def farm(home01: Site, key: str) -> Site:
    """A site of which every read has something to look for."""
    diesel = Genset(
        key="diesel", device="genset", min_power_w=2000, max_power_w=8000, start_cost=20, fuel_per_kwh=9,
        run_hours_left=40,
    )  # fmt: skip
    mill = DeferrableLoad(
        key="mill", device="plug", power_w=1500, run_minutes=60, window=DailyWindow(start="10:00", end="18:00")
    )
    return metered(copy_of(home01, key), "genset", "plug", gensets=(diesel,), deferrables=(mill,))


def registered(platform: Platform, those: Sequence[Site]) -> list[Site]:
    with platform.warehouse.begin() as connection:
        sites.register(connection, those, KNOWN)
    return list(those)


def knowing(platform: Platform, site: Site, count: int = SLOTS) -> Site:
    """The site with ``count`` slots of prices and forecasts, and a measured state."""
    with platform.warehouse.begin() as connection:
        sites.register(connection, [site], KNOWN)
        slots = pl.DataFrame({"starts_at": [START + SLOT * i for i in range(count)]})
        price = slots.with_columns(
            site_key=pl.lit(site.key), buy_per_kwh=5.0, sell_per_kwh=1.5, spot_per_kwh=2.0, currency=pl.lit("CZK"),
            is_provisional=False, components=pl.lit("{}"), known_at=pl.lit(KNOWN),
        )  # fmt: skip
        market.add_effective_prices(connection, price, KNOWN)
        load = slots.with_columns(power_w=450.0, model=pl.lit("t"))
        forecasts.issue(connection, "load_forecast", site.key, load, KNOWN)
        told = [Reading("inverter", "battery_soc_pct", "%", 40.0, AT - MINUTE, AT - MINUTE, Quality.GOOD)]
        telemetry.store(connection, answers((site.key, reading) for reading in told))
    return site


def plain(home01: Site, key: str) -> Site:
    return copy_of(home01, key, pv=(), heat_pumps=(), chargers=())


def asked(platform: Platform, those: Sequence[Site]) -> Making:
    return list(decisions(platform, those, Wanted("rolling", AT.date(), AT), LOGGER))


def said(warehouse: Warehouse, work: Callable[[], Any]) -> list[tuple[str, Any]]:
    """Statements that some work sends, with what they are given."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        sent.append((statement, given))

    sa.event.listen(warehouse.engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        sa.event.remove(warehouse.engine, "before_cursor_execute", note)
    return sent


def test_as_many_statements_read_what_one_plan_needs_as_what_many_need(platform: Platform, home01: Site) -> None:
    farms = registered(platform, [farm(home01, f"farm{i:02}") for i in range(12)])
    asked(platform, farms[:1])  # the first transaction of a connection says more
    counts = [len(said(platform.warehouse, lambda n=n: asked(platform, farms[:n]))) for n in (1, 4, 12)]
    assert counts[0] == counts[1] == counts[2]
    assert counts[0] >= 15, "every read is asked something"


def test_what_cannot_be_planned_and_what_cannot_be_read_costs_itself(
    platform: Platform, home01: Site, caplog: pytest.LogCaptureFixture
) -> None:
    good, after = (knowing(platform, plain(home01, key)) for key in ("b-good", "d-after"))
    blind, broken = registered(platform, [plain(home01, "a-blind"), farm(home01, "c-broken")])
    making = dict(zip("abcd", asked(platform, [blind, good, broken, after]), strict=True))
    assert [making[name][1]().faults for name in "bd"] == [[], []]
    with pytest.raises(InputsMissing, match="effective_price of a-blind is not known"):
        making["a"][1]()
    with platform.warehouse.begin() as connection:
        spoilt = "UPDATE ems.site_config SET config = config || '{\"gensets\": 7}' WHERE site_key = 'c-broken'"
        connection.exec_driver_sql(spoilt)
    assert not caplog.records
    making = dict(zip("abcd", asked(platform, [blind, good, broken, after]), strict=True))
    assert "4 sites cannot be read at once" in caplog.text
    assert [site.key for site, _ in making.values()] == ["a-blind", "b-good", "c-broken", "d-after"]
    assert [making[name][1]().faults for name in "bd"] == [[], []]
    with pytest.raises(InputsMissing, match="a-blind"):
        making["a"][1]()
    with pytest.raises(sa.exc.DBAPIError, match="cannot extract elements from a scalar"):
        making["c"][1]()


def test_a_database_that_is_away_is_no_sites_fault(
    platform: Platform, home01: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise DatabaseUnavailable("it is away")

    monkeypatch.setattr(known, "read", away)
    with pytest.raises(DatabaseUnavailable):
        asked(platform, [plain(home01, "home02")])


def test_a_decision_is_of_its_own_rows_whoever_is_read_with_it(platform: Platform, home01: Site) -> None:
    """Sites of the same plan with other prices, loads and charges: read together as alone."""
    pair = [knowing(platform, plain(home01, key)) for key in ("one", "two")]
    with platform.warehouse.begin() as connection:
        connection.exec_driver_sql("UPDATE ems.load_forecast SET power_w = 900 WHERE site_key = 'two'")
        starts = {"one": START, "two": START + SLOT}
        together = known.read(connection, pair, starts, AT)
        alone = {site.key: known.read(connection, [site], starts, AT)[site.key] for site in pair}
    for key in starts:
        for name, value in vars(together[key]).items():
            other = getattr(alone[key], name)
            assert value.equals(other) if isinstance(value, pl.DataFrame) else name == "past" or value == other
    assert together["two"].load["power_w"].to_list() == [900.0] * (SLOTS - 1)
    assert together["one"].load["power_w"].to_list() == [450.0] * SLOTS


def test_four_times_the_sites_are_at_most_four_times_the_work(platform: Platform, home01: Site) -> None:
    warehouse, days = platform.warehouse, 2
    with warehouse.begin() as connection:
        keys = add_sites(connection, 8)
    live_through(warehouse, START - timedelta(days=days), days)
    farms = [farm(home01, key) for key in keys]
    costs = {n: _cost(warehouse, farms[:n]) for n in (2, 8)}
    assert costs[2].keys() == costs[8].keys()
    for statement, (pages, rows) in costs[2].items():
        more_pages, more_rows = costs[8][statement]
        assert more_pages <= 4 * SLACK * pages + 50, statement
        assert more_rows <= 4 * SLACK * rows + 200, statement


def _cost(warehouse: Warehouse, those: Sequence[Site]) -> dict[str, tuple[int, int]]:
    """Pages looked at and rows passed by each statement that reads what sites need."""
    starts = dict.fromkeys((site.key for site in those), START)

    def work() -> None:
        with warehouse.begin() as connection:
            known.read(connection, those, starts, START - MINUTE)

    found = {}
    with warehouse.engine.connect() as connection:
        for statement, given in said(warehouse, work):
            told = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", given)
            plan = told.scalar_one()[0]["Plan"]
            found[statement] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"], int(rows_of(plan))
    return found


def test_a_plan_reckons_with_what_each_of_the_last_days_missed(platform: Platform, home01: Site) -> None:
    """Forecast 450 W each day, came 450 + 100 k W k days ago; what was issued or measured later is not looked at."""
    site = knowing(platform, plain(home01, "one"))
    since, day = START - timedelta(days=9), timedelta(days=1)
    slots = pl.DataFrame({"starts_at": [since + SLOT * i for i in range(11 * 96)]})
    with platform.warehouse.begin() as connection:
        price = slots.with_columns(
            site_key=pl.lit("one"), buy_per_kwh=5.0, sell_per_kwh=1.5, spot_per_kwh=2.0, currency=pl.lit("CZK"),
            is_provisional=False, components=pl.lit("{}"), known_at=pl.lit(since),
        )  # fmt: skip
        market.add_effective_prices(connection, price, since)
        for back in range(9):
            ahead = slots.filter(pl.col("starts_at").is_between(START - back * day, START - (back - 1) * day))
            load = ahead.with_columns(power_w=450.0, model=pl.lit("t"))
            forecasts.issue(connection, "load_forecast", "one", load, AT - back * day - MINUTE)
            forecasts.issue(
                connection, "load_forecast", "one", load.with_columns(power_w=9e3), AT - back * day + MINUTE
            )
        ago = (pl.lit(START) - pl.col("starts_at")).dt.total_minutes() / 1440
        measured = slots.filter(pl.col("starts_at") < START).with_columns(
            device_key=pl.lit("inverter"),
            quantity=pl.lit("grid_power_w"),
            unit=pl.lit("W"),
            value=450.0 + 100 * ago.ceil(),
        )
        telemetry.import_15m(connection, "one", measured)
        stored = known.read(connection, [site], {"one": START}, AT)["one"]
    found = plan_inputs(stored, site).inputs
    assert len(found.starts) >= 90
    assert [round(course.deficit_w[0]) for course in found.courses] == [550 + 100 * k for k in range(8)]
    yesterday = found.courses[0].deficit_w
    assert yesterday[87] == 550
    assert yesterday[90] == 450, "of the last two hours before the decision not all may be in"
    assert all(course.buy_per_kwh.tolist() == [5.0] * 24 for course in found.courses)
