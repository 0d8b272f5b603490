"""A counter that counts in tenfold steps shows beside the power of the same device."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from ems_pipeline.cli import checkup
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SLOT
from ems_pipeline.warehouse import Warehouse, sites, telemetry

START = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(("step_wh", "said"), [(250.0, ""), (25.0, "counter_scale: 10"), (2500.0, "check its scale")])
def test_doctor_names_a_counter_at_the_wrong_scale(
    warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch, step_wh: float, said: str
) -> None:
    """1000 W for two days are 48 kWh; a counter that moves 250 Wh a quarter-hour is right."""
    rows = [
        {"device_key": "inverter", "quantity": name, "unit": unit, "starts_at": START + i * SLOT, "value": value}
        for i in range(192)
        for name, unit, value in (("pv_power_w", "W", 1000.0), ("pv_energy_wh", "Wh", 1e6 + i * step_wh))
    ]
    with warehouse.begin() as connection:
        sites.register(connection, [home01], START)
        telemetry.import_15m(connection, "home01", pl.DataFrame(rows))
    monkeypatch.setattr("ems_pipeline.warehouse.open_warehouse", lambda: warehouse)
    texts = [f.text for f in checkup.counters() if f.level == "warning"]
    assert len(texts) == (1 if said else 0)
    assert all(said in text for text in texts)
