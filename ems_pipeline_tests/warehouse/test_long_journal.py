"""A journal of years costs a control run what one of a day costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.sites import Site
from ems_pipeline.warehouse import Warehouse, setpoints, sites

END = datetime(2026, 6, 1, tzinfo=UTC)
DEVICES = ["heat-pump", "inverter", "wallbox-1", "wallbox-2"]
FEW_PAGES = 60
"""Four devices, each some steps down two indexes and a row."""


@pytest.fixture
def journal(warehouse: Warehouse, home01: Site) -> Iterator[Connection]:
    """Nine months of superseded set-points for a site, the newest of each device still standing; undone afterwards."""
    with warehouse.engine.connect() as connection:
        sites.register(connection, [home01], END - timedelta(days=300))
        connection.execute(
            sa.text("""INSERT INTO ems.setpoint (site_key, device_key, slot, source, command, reason, is_shadow, state,
                                                 valid_until, intended_at, sent_at, echoed_at, ended_at)
                       SELECT :site, device, slot, 'plan', '{}', 'cheap', device = 'wallbox-2',
                              CASE WHEN slot < :last THEN 'superseded' WHEN device = 'heat-pump' THEN 'released'
                                   ELSE 'echoed' END,
                              slot + interval '20 min', slot, slot, slot, CASE WHEN slot < :last THEN slot END
                       FROM generate_series(CAST(:last AS timestamptz) - interval '270 days', :last, '15 min') slot,
                            unnest(CAST(:devices AS text[])) device ORDER BY slot"""),
            {"site": home01.key, "last": END, "devices": DEVICES},
        )
        connection.exec_driver_sql("ANALYZE ems.setpoint")
        yield connection
        connection.rollback()


def test_what_is_steered_is_found_in_a_few_pages_however_long_the_journal(journal: Connection, home01: Site) -> None:
    steered = [s.device for s in setpoints.steered(journal, home01.key)]
    assert sorted(steered) == ["inverter", "wallbox-1"]  # not released, no shadow
    explained = journal.execute(
        sa.text(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {setpoints.STEERED}"), {"site": home01.key}
    )
    plan = explained.scalar_one()[0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < FEW_PAGES
