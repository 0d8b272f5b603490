"""What the UI shows of an asset is what the database says of its table, and costs nobody a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.orchestration import catalogue, schedules
from ems_pipeline.orchestration.build import build_defs
from ems_pipeline.version import code_version
from ems_pipeline.warehouse import catalogue as tables

SPECS = {spec.key.to_user_string(): spec for spec in build_defs().resolve_all_asset_specs()}


@pytest.mark.parametrize("name", sorted(SPECS))
def test_an_asset_shows_its_table_column_by_column_as_the_database_describes_it(name: str) -> None:
    metadata = SPECS[name].metadata
    table = str(metadata["dagster/table_name"]).removeprefix("ems.")
    said = tables.known()[table]
    schema: Any = metadata["dagster/column_schema"]
    shown = [(c.name, c.type, c.constraints.nullable, c.description) for c in schema.columns]
    assert shown == [tuple(column) for column in said.columns]
    assert str(SPECS[name].description).startswith(str(said.meaning))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_an_asset_tells_its_make_its_owner_the_question_it_answers_and_its_code(name: str) -> None:
    spec = SPECS[name]
    assert "postgres" in spec.kinds
    assert 2 <= len(spec.kinds) <= 3
    assert spec.owners in ([catalogue.OPERATORS], [catalogue.MAINTAINERS])
    assert spec.tags["ems/question"] in {"know", "decide", "obey", "worth"}
    assert spec.code_version == code_version()


def test_the_catalogue_speaks_of_no_asset_that_is_not_there() -> None:
    """An entry left behind by a renamed asset would be silent for ever."""
    assert set(catalogue.FRESH) | set(catalogue.TABLES) <= set(SPECS)


def test_nothing_that_the_catalogue_says_starts_a_run() -> None:
    """Another code version or a late asset is shown; only schedules, sensors and people start runs."""
    assert not [name for name, spec in SPECS.items() if spec.automation_condition is not None]


def test_what_is_asked_for_by_the_clock_may_be_no_older_than_two_of_its_turns() -> None:
    """An asset of a schedule of quarter-hours fails after two that were left out, not after one that took its time."""
    every = {schedule.name: schedule.cron_schedule for schedule in schedules.ALL}
    assert every["audit_every_quarter_hour"] == "3,18,33,48 * * * *"
    for name in ("telemetry_15m", "audit_interval", "rolling_plan"):
        policy: Any = SPECS[name].freshness_policy
        turn = timedelta(minutes=15)
        assert 2 * turn < policy.warn_window.to_timedelta() < 3 * turn < policy.fail_window.to_timedelta() < 4 * turn
