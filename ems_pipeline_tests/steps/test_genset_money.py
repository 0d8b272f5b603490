"""Fuel, starts and service of sets in settled quarter-hours: by hand, corrected, and no change where no set is."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Genset, Site
from ems_pipeline.steps.settling import settle_day, settle_slots
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import audits, telemetry
from ems_pipeline_tests.warehouse.test_audits import END, LATER, START, connection, first_slots, price

__all__ = ["connection"]
POWER_W = (0.0, 0.0, 12_000.0, 12_000.0, 0.0)
"""Of the set, from the quarter-hour before the first on; it carries 12 kW of 15 kW in two."""


def site_with_set(home01: Site, per_m3: float = 19.0) -> Site:
    """A set of 16 kW: gas by the curve, 30 an hour of service, 60 a start."""
    genset = Genset.model_validate({
        "key": "g1", "device": "set", "min_power_w": 4_800, "max_power_w": 16_000, "service_cost_per_h": 30.0,
        "fuel": {"prices": [{"valid_from": "2026-01-01", "per_m3": per_m3}]},
    })  # fmt: skip
    return home01.model_copy(update={"gensets": (genset,), "batteries": (), "inverters": ()})


def measure(connection: Connection, power_w: tuple[float | None, ...] = POWER_W) -> None:
    """15 kW of load: what the set does not give is bought."""
    rows: list[tuple[Any, ...]] = []
    for at, genset_w in zip([START - SLOT, *first_slots(4)], power_w, strict=True):
        rows.append(("inverter", "grid_power_w", "W", at, 15_000.0 - (genset_w or 0.0)))
        rows.append(("set", "genset_power_w", "W", at, genset_w))
    names = ["device_key", "quantity", "unit", "starts_at", "value"]
    frame = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None).with_columns(
        pl.col("starts_at").cast(pl.Datetime("us", "UTC")), pl.col("value").cast(pl.Float64)
    )
    telemetry.import_15m(connection, "home01", frame)


def filled(connection: Connection, site: Site) -> list[dict[str, Any]]:
    settle_slots(connection, site, START, START + 4 * SLOT, LATER)
    return audits.slots(connection, site.key, START, START + 4 * SLOT).to_dicts()


FUEL = 2 * (3.0 * 2.52 + 4.7 / 4)
"""A quarter-hour at 12 kW: 3 kWh at 2.52 kWh of gas and a quarter of 4.7 kWh, at 19 / 9.5 = 2 per kWh of gas."""


def test_a_quarter_hour_with_a_set_by_hand(connection: Connection, home01: Site) -> None:
    measure(connection)
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    rows = filled(connection, site_with_set(home01))
    assert [row["genset_fuel_cost"] for row in rows] == pytest.approx([0.0, FUEL, FUEL, 0.0])
    assert [row["genset_start_cost"] for row in rows] == [0.0, 60.0, 0.0, 0.0]
    assert [row["genset_service_cost"] for row in rows] == [0.0, 7.5, 7.5, 0.0]
    assert [row["cost"] for row in rows] == pytest.approx([15.0, 3.0 + FUEL + 67.5, 3.0 + FUEL + 7.5, 15.0])
    assert [row["no_genset_cost"] for row in rows] == pytest.approx([15.0] * 4)
    assert rows[1]["no_battery_cost"] == pytest.approx(rows[1]["cost"]), "no battery here: the sets run as they did"


def test_a_corrected_fuel_price_restates_the_quarter_hours_and_the_day(connection: Connection, home01: Site) -> None:
    measure(connection)
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    site = site_with_set(home01)
    assert {row["revision"] for row in filled(connection, site)} == {1}
    settle_day(connection, site, START, END, LATER)
    assert {row["revision"] for row in filled(connection, site)} == {1}, "said again it is the same"
    dearer = site_with_set(home01, per_m3=38.0)
    rows = filled(connection, dearer)
    assert [row["revision"] for row in rows] == [1, 2, 2, 1]
    assert rows[1]["genset_fuel_cost"] == pytest.approx(2 * FUEL)
    settle_day(connection, dearer, START, END, LATER)
    (day,) = connection.execute(sa.text("SELECT * FROM ems.vw_audit_summary")).mappings()
    assert day["is_restated"]
    assert day["genset_cost"] == pytest.approx(2 * 2 * FUEL + 75.0)
    assert (day["genset_kwh"], day["no_genset_cost"]) == (pytest.approx(6.0), pytest.approx(60.0))
    assert day["no_genset_saving"] == pytest.approx(60.0 - 36.0 - 4 * FUEL - 75.0)
    assert (day["import_peak_kw"], day["no_genset_peak_kw"]) == (pytest.approx(15.0), pytest.approx(15.0))


def test_a_set_that_was_not_measured_leaves_the_cost_unknown(connection: Connection, home01: Site) -> None:
    measure(connection, (0.0, 0.0, None, 12_000.0, 0.0))
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    rows = filled(connection, site_with_set(home01))
    assert [row["cost"] is None for row in rows] == [False, True, True, False]


def test_a_site_without_a_set_costs_what_it_did(connection: Connection, home01: Site) -> None:
    measure(connection, (0.0,) * 5)
    price(connection, first_slots(4), buy=4.0, sell=1.0)
    for row in filled(connection, home01):
        assert (row["cost"], row["no_battery_cost"], row["genset_sets"]) == (15.0, 15.0, 0)
        assert {row[name] for name in row if name.startswith(("genset_fuel", "no_genset"))} == {None}
