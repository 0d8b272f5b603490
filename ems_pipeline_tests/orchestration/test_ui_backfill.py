"""Days of two sites materialised as in the web UI: all of them are made, and each partition's figures are its own.

`EMS_UI_BACKFILL_DAYS=10` fills ten days with all 96 decisions of each; by default three days with two each.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest
import sqlalchemy as sa

from ems_pipeline import time_grid
from ems_pipeline.orchestration.installation import history
from ems_pipeline.orchestration.machinery.in_process import InProcess
from ems_pipeline.orchestration.partitions import site_day
from ems_pipeline.plant import running_plant
from ems_pipeline.sites import Site
from ems_pipeline.steps import deciding
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse import sites as registry
from ems_pipeline_tests.copies import copy_of
from ems_pipeline_tests.orchestration import held
from ems_pipeline_tests.orchestration.conftest import PRAGUE, roughly, small
from ems_pipeline_tests.orchestration.ui import RUNS_HERE, Backfills, backfills

pytestmark = pytest.mark.slow
DAYS = int(os.environ.get("EMS_UI_BACKFILL_DAYS", "3"))
ONE_DAY = timedelta(days=1)
LAST = date(2025, 10, 26)
"""The night the clocks went back; the weather archive has it a week later."""
FIRST, AFTER, TODAY = LAST - (DAYS - 1) * ONE_DAY, LAST + ONE_DAY, LAST + 8 * ONE_DAY
ASKED = time_grid.days(FIRST, LAST)
PLANS = {"daily_plan", "rolling_plan"}
BETWEEN = "home01b"
"""Registered between the two, and not meant."""


@dataclass
class Filled:
    """After the backfills: who they were for, how they ended."""

    sites: list[Site]
    runs: InProcess
    ui: Backfills
    ended: list[str]

    def made(self, asset: str) -> dict[str, dict[str, Any]]:
        """Figures by partition, the newest of each."""
        records = self.runs.instance.fetch_materializations(dg.AssetKey(asset), limit=1000).records
        events = [record.asset_materialization for record in records]
        return {
            str(e.partition): {k: v.value for k, v in e.metadata.items()} for e in reversed(events) if e is not None
        }


@pytest.fixture(scope="module")
def filled(warehouse: Warehouse, home01: Site) -> Iterator[Filled]:
    clock = SimulatedClock(time_grid.day_bounds(TODAY, PRAGUE)[0])
    with (
        pytest.MonkeyPatch.context() as environment,
        running_plant(small(home01), clock, seed=1, history_days=(TODAY - FIRST).days + 5) as plant,
        dg.instance_for_test(overrides=RUNS_HERE) as instance,
    ):
        for name, value in plant.environ.items():
            environment.setenv(name, value)
        roughly(environment)
        if DAYS < 10:
            every = deciding.rolling_instants
            environment.setitem(deciding.INSTANTS, "rolling", lambda *of: iter(list(every(*of))[::48]))
        sites = [plant.site, copy_of(plant.site, "home02")]
        runs = InProcess(Platform(warehouse, clock, lambda: sites), instance)
        lived(runs, sites, plant.history())
        with backfills(runs.platform, instance) as ui:
            ended = [ui.end(ask(ui, sites, chosen)) for chosen in (held.OF_MARKET, held.OF_SITE)]
            yield Filled(sites, runs, ui, ended)


def lived(runs: InProcess, sites: list[Site], logged: pl.DataFrame) -> None:
    """The second site lives a day behind the first; both have the inputs of the days before and after."""
    with runs.platform.warehouse.begin() as connection:
        registry.register(connection, sites, runs.platform.clock.now())
    runs.register([sites[0].key, BETWEEN, sites[1].key])
    late = logged.with_columns(pl.col("starts_at") + ONE_DAY).filter(pl.col("starts_at") < runs.platform.clock.now())
    for site, measured in zip(sites, (logged, late), strict=True):
        history.import_log(runs, site, measured)
    for day in (FIRST - ONE_DAY, AFTER):
        for step in runs.steps(history.INPUTS, [site.key for site in sites], day, day):
            runs.asset(step)


def ask(ui: Backfills, sites: list[Site], chosen: Collection[str]) -> str:
    """The days of assets that share their partitions, as the dialog wants them."""
    if chosen is held.OF_MARKET:
        return ui.ask(chosen, [day.isoformat() for day in ASKED])
    return ui.ask(chosen, [site_day(site.key, day) for site in sites for day in ASKED])


def test_a_backfill_of_every_asset_succeeds(filled: Filled) -> None:
    assert filled.ended == ["COMPLETED_SUCCESS", "COMPLETED_SUCCESS"]


@pytest.mark.parametrize("asset", sorted(held.OF_MARKET))
def test_each_market_day_says_what_the_database_holds_of_it(filled: Filled, asset: str) -> None:
    made = filled.made(asset)
    for day in ASKED:
        agree(
            made[day.isoformat()],
            held.of_market(filled.runs.platform.warehouse, asset, filled.sites[0].market_zone, day),
        )


@pytest.mark.parametrize("asset", sorted(held.OF_SITE))
def test_each_day_of_each_site_says_what_the_database_holds_of_it(filled: Filled, asset: str) -> None:
    made = filled.made(asset)
    for site in filled.sites:
        for day in [*ASKED, AFTER] if asset in PLANS else ASKED:
            agree(made[site_day(site.key, day)], held.of_site(filled.runs.platform.warehouse, asset, site, day))
    assert not [key for key in made if key.endswith(f"|{BETWEEN}")]


def test_a_picture_is_in_one_partition_of_its_run(filled: Filled) -> None:
    drawn = {asset: sum("plot" in figures for figures in filled.made(asset).values()) for asset in held.OF_SITE}
    asked, before_and_after = len(filled.sites), 2 * len(filled.sites)
    assert {asset for asset, plots in drawn.items() if plots > asked + before_and_after} == set()
    assert sum(drawn.values())


def test_a_day_that_was_not_measured_costs_itself_and_the_plans_that_begin_with_it(filled: Filled) -> None:
    site = filled.sites[1]
    start, end = time_grid.day_bounds(FIRST, PRAGUE)
    with filled.runs.platform.warehouse.begin() as connection:
        gone = "DELETE FROM ems.telemetry_15m WHERE site_key = :site AND starts_at >= :start AND starts_at < :end"
        connection.execute(sa.text(gone), {"site": site.key, "start": start, "end": end})
    backfill = ask(filled.ui, filled.sites, held.OF_SITE)
    assert filled.ui.end(backfill) == "COMPLETED_FAILED"
    day, following = site_day(site.key, FIRST), site_day(site.key, FIRST + ONE_DAY)
    assert filled.ui.lacking(backfill) == {
        ("telemetry_15m", day),
        ("forecast_score", day),
        ("rolling_plan", day),
        ("rolling_plan", following),
        ("daily_plan", following),
    }


def agree(shown: dict[str, Any], in_database: dict[str, Any]) -> None:
    assert shown["dagster/row_count"] or "nothing" in shown or "houses" in shown
    figures = {name: shown.get(name) for name in in_database}
    expected = {k: pytest.approx(v, abs=1e-4) if isinstance(v, float) else v for k, v in in_database.items()}
    assert figures == expected
