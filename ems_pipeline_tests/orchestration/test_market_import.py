"""A zone, a rate or a colour without answer costs only itself, and is asked for until it is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.orchestration import requests, schedules
from ems_pipeline.orchestration.assets import market as assets
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.sites import Site
from ems_pipeline.steps import pricing
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, alarms, market
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.frames import query
from ems_pipeline_tests.market import documents as shapes
from ems_pipeline_tests.market.documents import day_prices
from ems_pipeline_tests.market.replay import Answer, Replay, replay

DAY = date(2026, 8, 20)
PUBLISHED, DECIDED, OVERDUE, NIGHT = (
    datetime(2026, 8, 19, *at, tzinfo=UTC) for at in ((11, 10), (12, 30), (13, 0), (20, 0))
)
"""13:10, 14:30, 15:00 and 22:00 in the market's time."""


def of_day(day: date) -> Answer:
    """A day's prices, no two days alike."""
    return Answer(shapes.energy_charts(day, [price + day.day for price in day_prices(day)]))


GOOD = of_day(DAY)
BROKEN = Answer(b"[" * 100_000)
TEMPO = {
    "name": "Tempo", "currency": "EUR",
    "periods": [{
        "valid_from": "2025-01-01", "distribution": {"high_per_kwh": 0.0}, "sell": {"kind": "none"},
        "energy": {"kind": "tempo", "tempo": {
            c: {"low_per_kwh": 0.1, "high_per_kwh": 0.2} for c in ("blue", "white", "red")}},
    }],
}  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replay]:
    with replay() as running:
        for name in Replay.SOURCES:
            url = f"http://127.0.0.1:{running.port}/{name}"
            monkeypatch.setenv(f"EMS_SOURCE_{name.upper().replace('-', '_')}_URL", url)
        monkeypatch.setattr("ems_pipeline.http.time.sleep", lambda _: None)
        yield running


@pytest.fixture
def empty(warehouse: Warehouse) -> Iterator[Warehouse]:
    yield warehouse
    with warehouse.begin() as connection:
        for table in ("market_interval_price", "fx_rate", "tempo_colour", "effective_price", "alarm"):
            connection.execute(sa.text(f"DELETE FROM ems.{table}"))


def homes(home01: Site, *zones: str) -> list[Site]:
    """A site per zone, called like it; billed in crowns where the zone is CZ."""
    return [billed(home01, zone.lower(), zone, "CZK" if zone == "CZ" else "EUR") for zone in zones]


def billed(home01: Site, key: str, zone: str, currency: str) -> Site:
    tariff = home01.tariff.model_copy(update={"currency": currency})
    return without_devices(home01, key=key, market_zone=zone, currency=currency, tariff=tariff.model_dump())


def without_devices(home01: Site, **changes: object) -> Site:
    """The demo home with other terms and nothing to steer: no two homes may share a device."""
    said = home01.model_dump() | {"gateways": [], "devices": []} | changes
    for kind in ("pv", "batteries", "chargers", "heat_pumps"):
        said[kind] = [asset | {"device": None} for asset in said[kind]]
    return Site.model_validate(said)


def by_zone(answers: Mapping[str, Answer]) -> Answer:
    """energy-charts' answer depends on the zone it is asked about."""

    def body(asked: dict[str, str]) -> bytes:
        found = answers[asked["bzn"]].body
        assert isinstance(found, bytes)
        return found

    return Answer(body)


def run(warehouse: Warehouse, sites: list[Site], asset: dg.AssetsDefinition, now: datetime, day: date = DAY) -> bool:
    platform = of(warehouse, sites, now)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset], partition_key=str(day), resources={"ems": platform}, instance=instance, raise_on_error=False
        )
    return result.success


def of(warehouse: Warehouse, sites: list[Site], now: datetime) -> Platform:
    """A platform on which these sites are active, and no other."""
    with warehouse.begin() as connection:
        for key in query(connection, "SELECT site_key FROM ems.site")["site_key"]:
            registry.set_active(connection, key, is_active=False)
        registry.register(connection, sites, now)
        for site in sites:
            registry.set_active(connection, site.key, is_active=True)
    return Platform(warehouse, SimulatedClock(now), lambda: sites)


def priced(warehouse: Warehouse) -> dict[str, int]:
    sql = "SELECT zone, count(*) FROM ems.market_interval_price GROUP BY zone"
    with warehouse.begin() as connection:
        return dict(query(connection, sql).iter_rows())


def open_alarms(warehouse: Warehouse) -> dict[str, str]:
    with warehouse.begin() as connection:
        found = alarms.open_alarms(connection)
    return dict(found.select("kind", "text").iter_rows())


@pytest.mark.parametrize("zone", ["GB", "XX", "ES"])
def test_a_zone_nobody_serves_or_nobody_can_read_is_its_own_alarm_and_the_others_are_priced(
    empty: Warehouse, home01: Site, server: Replay, zone: str
) -> None:
    server.answers = {"energy-charts": by_zone({"NL": GOOD, "ES": BROKEN})}
    sites = homes(home01, zone, "NL")
    assert run(empty, sites, assets.market_interval_price, OVERDUE)
    assert priced(empty) == {"NL": 96}
    assert open_alarms(empty).keys() == {f"no-prices:{zone}"}
    assert zone in open_alarms(empty)[f"no-prices:{zone}"]


def test_the_alarm_of_a_zone_ends_when_it_is_priced_or_nobody_trades_there_any_more(
    empty: Warehouse, home01: Site, server: Replay
) -> None:
    sites = homes(home01, "ES", "NL", "GB")
    server.answers = {"energy-charts": by_zone({"NL": GOOD, "ES": BROKEN})}
    run(empty, sites, assets.market_interval_price, OVERDUE)
    assert open_alarms(empty).keys() == {"no-prices:ES", "no-prices:GB"}
    server.answers = {"energy-charts": GOOD}
    run(empty, sites[:2], assets.market_interval_price, OVERDUE)
    assert open_alarms(empty) == {}


def test_where_nobody_got_a_price_the_run_fails_and_where_somebody_waits_it_does_not(
    empty: Warehouse, home01: Site, server: Replay
) -> None:
    server.answers = {"energy-charts": BROKEN}
    assert not run(empty, homes(home01, "ES", "NL"), assets.market_interval_price, PUBLISHED)
    server.answers = {"energy-charts": by_zone({"ES": BROKEN, "NL": Answer(shapes.energy_charts(DAY, []))})}
    assert run(empty, homes(home01, "ES", "NL"), assets.market_interval_price, PUBLISHED)
    assert priced(empty) == {}


def test_a_backfill_raises_no_alarm_and_ends_none(empty: Warehouse, home01: Site, server: Replay) -> None:
    server.answers = {"energy-charts": by_zone({"NL": GOOD, "ES": BROKEN})}
    later = OVERDUE + timedelta(days=30)
    assert run(empty, homes(home01, "ES", "NL"), assets.market_interval_price, later)
    assert (priced(empty), open_alarms(empty)) == ({"NL": 96}, {})


def test_prices_in_doubt_are_marked_and_told(empty: Warehouse, home01: Site, server: Replay) -> None:
    zeros = [0.0 if 32 <= i < 56 else price for i, price in enumerate(day_prices(DAY))]
    server.answers = {"energy-charts": Answer(shapes.energy_charts(DAY, zeros))}
    assert run(empty, homes(home01, "ES"), assets.market_interval_price, DECIDED)
    with empty.begin() as connection:
        doubts = query(connection, "SELECT DISTINCT doubt FROM ems.market_interval_price")["doubt"].to_list()
    assert doubts == ["exactly 0.00 for 6 h on end"]
    assert "exactly 0.00 for 6 h" in open_alarms(empty)["doubted-prices:ES"]


def test_a_bank_that_fails_costs_no_site_that_is_billed_in_euro(empty: Warehouse, home01: Site, server: Replay) -> None:
    server.answers = {}
    assert run(empty, homes(home01, "CZ", "NL"), assets.fx_rate, OVERDUE)
    assert open_alarms(empty).keys() == {"no-rate:CZK"}
    assert not run(empty, homes(home01, "CZ"), assets.fx_rate, OVERDUE)


def test_a_currency_the_bank_does_not_quote_costs_no_other_one(empty: Warehouse, home01: Site, server: Replay) -> None:
    server.answers = {"cnb": Answer(lambda asked: shapes.cnb_json(date.fromisoformat(asked["date"])))}
    strange = billed(home01, "strange", "NL", "XTS")
    assert run(empty, [*homes(home01, "CZ"), strange], assets.fx_rate, OVERDUE)
    assert open_alarms(empty).keys() == {"no-rate:XTS"}
    with empty.begin() as connection:
        assert query(connection, "SELECT DISTINCT quote FROM ems.fx_rate")["quote"].to_list() == ["CZK"]


def asks(warehouse: Warehouse, sites: list[Site], now: datetime) -> bool:
    """Whether the schedule asks sources about tomorrow at ``now``."""
    platform = of(warehouse, sites, now)
    asked = schedules.day_ahead_prices(dg.build_schedule_context(resources={"ems": platform}))
    return isinstance(asked, dg.RunRequest)


def test_a_day_is_asked_for_until_every_zone_has_prices_in_no_doubt_and_in_the_traded_step(
    empty: Warehouse, home01: Site, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = homes(home01, "AT")
    today = DAY - timedelta(days=1)
    server.answers = {"energy-charts": of_day(today)}
    run(empty, sites, assets.market_interval_price, OVERDUE, today)
    hours = shapes.hourly_means(day_prices(DAY))
    server.answers = {"awattar-at": Answer(shapes.awattar(DAY, hours, "at"))}
    run(empty, sites, assets.market_interval_price, OVERDUE)
    assert priced(empty) == {"AT": 192}
    assert asks(empty, sites, NIGHT), "the hour's mean is a stand-in"
    zeros = [0.0 if 32 <= i < 56 else price for i, price in enumerate(day_prices(DAY))]
    monkeypatch.setenv("EMS_PRICE_SOURCES_AT", "energy-charts")
    server.answers = {"energy-charts": Answer(shapes.energy_charts(DAY, zeros))}
    run(empty, homes(home01, "ES"), assets.market_interval_price, OVERDUE)
    assert asks(empty, homes(home01, "ES"), NIGHT), "in doubt"
    server.answers = {"energy-charts": GOOD}
    run(empty, sites, assets.market_interval_price, OVERDUE + timedelta(minutes=10))
    assert not asks(empty, sites, NIGHT)


def test_a_tempo_colour_is_asked_for_until_it_is_known_though_the_prices_are_complete(
    empty: Warehouse, home01: Site, server: Replay
) -> None:
    paris = {"key": "maison", "market_zone": "FR", "currency": "EUR", "timezone": "Europe/Paris"}
    sites = [without_devices(home01, **paris, tariff=TEMPO, latitude=48.9, longitude=2.3)]
    today = DAY - timedelta(days=1)

    def colour(code: int) -> Answer:
        days = [{"dateJour": str(day), "codeJour": code} for day in (today, DAY)]
        return Answer(json.dumps(days).encode())

    for day in (today, DAY):
        server.answers = {
            "energy-charts": of_day(day),
            "tempo-public": colour(0),
        }
        run(empty, sites, assets.market_interval_price, OVERDUE, day)
        run(empty, sites, assets.tempo_colour, OVERDUE, day)
    assert asks(empty, sites, NIGHT)
    server.answers = {"tempo-public": colour(3)}
    for day in (today, DAY):
        run(empty, sites, assets.tempo_colour, NIGHT, day)
    assert not asks(empty, sites, NIGHT)


def test_today_is_imported_at_the_turn_of_the_day_whatever_is_known(
    empty: Warehouse, home01: Site, server: Replay
) -> None:
    sites = homes(home01, "NL")
    server.answers = {"energy-charts": GOOD}
    run(empty, sites, assets.market_interval_price, OVERDUE)
    at_five_past, at_three = (datetime(2026, 8, day, *at, tzinfo=UTC) for day, at in ((19, (22, 5)), (20, (1, 0))))
    assert asks(empty, sites, at_five_past)
    assert not asks(empty, sites, at_three)


FIXED = {
    "name": "Fixed", "currency": "EUR",
    "periods": [{
        "valid_from": "2025-01-01", "vat": 0.23, "energy": {"kind": "fixed", "price_per_kwh": 0.25},
        "distribution": {"high_per_kwh": 0.05}, "sell": {"kind": "fixed", "price_per_kwh": 0.2},
    }],
}  # fmt: skip


def irish(home01: Site, **changes: object) -> Site:
    """A home where nobody publishes a market price, on a fixed tariff."""
    home = {
        "key": "dublin", "market_zone": "none", "currency": "EUR", "tariff": FIXED, "timezone": "Europe/Dublin",
        "latitude": 53.3, "longitude": -6.3,
    }  # fmt: skip
    return without_devices(home01, **home | changes)


def price_sites(warehouse: Warehouse, sites: list[Site], now: datetime) -> None:
    platform = of(warehouse, sites, now)
    with dg.instance_for_test() as instance:
        runs = InProcess(platform, instance)
        runs.register([site.key for site in sites])
        for request in requests.for_sites(instance, "price_sites", sites, lambda _: (DAY, DAY), "now"):
            runs.job(request)


def test_a_fixed_contract_is_priced_where_there_is_no_market_and_costs_no_question(
    empty: Warehouse, home01: Site, server: Replay
) -> None:
    site, eve = irish(home01), datetime(2026, 8, 19, 12, 0, tzinfo=UTC)
    price_sites(empty, [site], eve)
    start, end = time_grid.day_bounds(DAY, time_grid.zone("Europe/Dublin"))
    with empty.begin() as connection:
        found = market.effective_prices(connection, [site.key], start, end, eve)
    assert found.height == 96
    assert found["buy_per_kwh"].to_list() == pytest.approx([1.23 * 0.30] * 96)
    assert found["sell_per_kwh"].to_list() == pytest.approx([0.2] * 96)
    assert found["spot_per_kwh"].null_count() == 96
    assert pricing.zones_of([site]) == []
    assert server.asked == []


def test_a_site_that_cannot_be_priced_is_an_alarm_and_its_neighbour_has_its_prices(
    empty: Warehouse, home01: Site
) -> None:
    late = FIXED | {"periods": [FIXED["periods"][0] | {"valid_from": "2027-01-01"}]}  # type: ignore[index]
    sites = [irish(home01), irish(home01, key="cork", tariff=late), *homes(home01, "NL")]
    price_sites(empty, sites, OVERDUE)
    with empty.begin() as connection:
        found = alarms.open_alarms(connection)
        priced_sites = query(connection, "SELECT DISTINCT site_key FROM ems.effective_price")["site_key"].to_list()
    said = dict(found.select("site_key", "text").iter_rows())
    assert priced_sites == ["dublin"]
    assert said.keys() == {"cork", "nl"}
    assert "no period for 2026-08-20" in said["cork"]
    assert "no market price of NL" in said["nl"]


def test_a_contract_that_a_market_price_enters_needs_a_market(home01: Site) -> None:
    for sell in ({"kind": "spot"}, {"kind": "none", "unpaid_at_negative_spot": True}):
        period = FIXED["periods"][0] | {"sell": sell}  # type: ignore[index]
        with pytest.raises(ValueError, match="name the zone"):
            irish(home01, tariff=FIXED | {"periods": [period]})


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_token_that_cannot_be_read_costs_its_source_alone_and_is_named(
    empty: Warehouse,
    home01: Site,
    server: Replay,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes | None,
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("EMS_ENTSOE_TOKEN_FILE", str(file))
    server.answers = {"energy-charts": GOOD}
    sites = homes(home01, "ES", "NL")
    assert run(empty, sites, assets.market_interval_price, OVERDUE)
    assert priced(empty) == {"ES": 96, "NL": 96}
    (said,) = open_alarms(empty).items()
    assert said[0] == "no-secret:EMS_ENTSOE_TOKEN"
    assert f"EMS_ENTSOE_TOKEN_FILE names {file}" in said[1]
    monkeypatch.delenv("EMS_ENTSOE_TOKEN_FILE")
    assert run(empty, sites, assets.market_interval_price, OVERDUE)
    assert open_alarms(empty) == {}
