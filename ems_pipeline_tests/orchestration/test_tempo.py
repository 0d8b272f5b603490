"""A Tempo site pays the dearest colour until its day's colour is announced, and the announced one from then on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
import pytest

from ems_pipeline import time_grid
from ems_pipeline.orchestration.assets import market as assets
from ems_pipeline.sites import Site
from ems_pipeline.sites.tariff import Tariff
from ems_pipeline.steps import pricing
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.windows import SiteWindow
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, market
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.market.replay import Answer, replay

PARIS = time_grid.zone("Europe/Paris")
DAY = date(2026, 1, 13)
MORNING, AFTERNOON = datetime(2026, 1, 12, 9, tzinfo=UTC), datetime(2026, 1, 12, 13, 30, tzinfo=UTC)
PRICES = {"blue": (0.13, 0.16), "white": (0.15, 0.19), "red": (0.16, 0.76)}
"""Off-peak and peak, EUR per kWh, of a contract like that of 2026."""


@pytest.fixture
def home(home01: Site) -> Site:
    colours = {c: {"low_per_kwh": low, "high_per_kwh": high} for c, (low, high) in PRICES.items()}
    period = {
        "valid_from": "2025-01-01",
        "energy": {"kind": "tempo", "tempo": colours},
        "distribution": {"high_per_kwh": 0.0},
        "sell": {"kind": "none"},
        "vat": 0.0,
    }
    tariff = Tariff.model_validate({"name": "Tempo", "currency": "EUR", "periods": [period]})
    moved = {"key": "maison", "market_zone": "FR", "timezone": "Europe/Paris", "currency": "EUR", "tariff": tariff}
    return home01.model_copy(update=moved)


def midday(warehouse: Warehouse, site: Site, at: datetime) -> float:
    noon = datetime(2026, 1, 13, 11, tzinfo=UTC)
    with warehouse.begin() as connection:
        found = market.effective_prices(connection, [site.key], noon, noon + timedelta(minutes=15), at)
    return float(found["buy_per_kwh"].item())


def test_an_announced_colour_restates_the_price_and_what_was_decided_before_stands(
    warehouse: Warehouse, home: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimulatedClock(MORNING)
    platform = Platform(warehouse, clock, lambda: [home])
    start, end = time_grid.day_bounds(DAY, PARIS)
    starts = time_grid.slots(start, end)
    spot = pl.DataFrame({"starts_at": starts}).with_columns(
        zone=pl.lit("FR"), price_per_mwh=pl.lit(80.0), currency=pl.lit("EUR"), resolution_min=pl.lit(15),
        source=pl.lit("test"), known_at=pl.lit(MORNING).cast(pl.Datetime("us", "UTC")), known_basis=pl.lit("received"),
    )  # fmt: skip
    with warehouse.begin() as connection:
        registry.register(connection, [home], MORNING)
        market.add_prices(connection, spot, MORNING)

    def priced(code: int) -> None:
        answer = Answer(json.dumps({"dateJour": str(DAY), "codeJour": code}).encode())
        with replay() as server, dg.instance_for_test() as instance:
            server.answers = {"tempo-public": answer}
            monkeypatch.setenv("EMS_SOURCE_TEMPO_PUBLIC_URL", f"http://127.0.0.1:{server.port}/tempo-public")
            assert dg.materialize(
                [assets.tempo_colour], partition_key=str(DAY), resources={"ems": platform}, instance=instance
            ).success
        window = SiteWindow(home, DAY, DAY, start, end)
        with warehouse.begin() as connection:
            market.add_effective_prices(connection, pricing.effective_rows(platform, window), clock.now())

    priced(0)
    assert midday(warehouse, home, clock.now()) == pytest.approx(0.76)  # a Tuesday in January may be red
    clock.wait_until(AFTERNOON)
    priced(1)
    assert midday(warehouse, home, clock.now()) == pytest.approx(0.16)
    assert midday(warehouse, home, MORNING) == pytest.approx(0.76)
    with warehouse.begin() as connection:
        night = market.effective_prices(connection, [home.key], start, start + timedelta(hours=8), AFTERNOON)
    before_six = night["buy_per_kwh"][: 6 * 4].unique().to_list()
    assert before_six == pytest.approx([0.16]), (
        "until six it is the day before, whose colour nobody told: red, off-peak"
    )
    assert night["buy_per_kwh"][6 * 4 :].unique().to_list() == pytest.approx([0.16])
