"""A question is answered by a study that goes on where it was, and is stored for those who read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ems_pipeline.backtest.study import Files, StudyInvalid
from ems_pipeline.backtest.what_if import Question
from ems_pipeline.report.what_if import html
from ems_pipeline.sites import Site
from ems_pipeline.steps import what_if
from ems_pipeline.steps.platform import Platform
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline.warehouse import Warehouse, migrate, studies
from ems_pipeline.warehouse.asked import Asked
from ems_pipeline_tests.conftest import ROOT

NOW = datetime(2026, 5, 1, tzinfo=UTC)
FILES = Files(files=(ROOT / "examples" / "study-home.csv",), per_eur=25)
DAYS = (date(2025, 12, 26), date(2026, 1, 15))


@pytest.fixture
def platform(warehouse: Warehouse) -> Platform:
    migrate.upgrade(warehouse)
    with studies.opened(warehouse) as connection:
        connection.exec_driver_sql("DELETE FROM study.definition")
    return Platform(warehouse, SimulatedClock(NOW), list)


def test_a_question_is_lived_answered_stored_and_not_lived_again(platform: Platform, home01: Site) -> None:
    asked = Question(battery_kwh=(0, 30), battery_price_per_kwh=9000, forecaster="persistence")
    wanted = what_if.wanted(platform, home01, asked, FILES, DAYS)
    page = what_if.live(platform, wanted, 0, lambda *_: None)
    now, none, double = page.rows
    assert none.saved.high < 0 < double.saved.low, "without a battery it is dearer, with twice of it cheaper"
    assert none.cycles == 0
    assert page.lived_days == now.days == 21
    assert page.notes[1].startswith("21 days stand for a year"), "a short history is never extended silently"
    assert "<svg" in html(page)
    assert len(page.as_json["variants"]) == 3
    with studies.opened(platform.warehouse) as connection:
        lived = connection.exec_driver_sql(
            "SELECT variant, recorded_at, rows_digest FROM study.part ORDER BY 1, 3"
        ).all()
        stored = connection.exec_driver_sql("SELECT variant, saved FROM study.what_if_variant ORDER BY place").all()
        saved = connection.exec_driver_sql("SELECT variant FROM study.saving WHERE season = 'all' ORDER BY 1").all()
    assert [row[0] for row in saved] == ["battery-0", "battery-30"]
    assert dict(map(tuple, stored))["battery-30"] == pytest.approx(double.saved.value)
    platform.clock = SimulatedClock(NOW.replace(month=6))
    dearer = what_if.wanted(platform, home01, asked.model_copy(update={"battery_price_per_kwh": 1.0}), FILES, DAYS)
    again = what_if.live(platform, dearer, 0, lambda *_: None)
    assert again.rows[2].saved == double.saved
    with studies.opened(platform.warehouse) as connection:
        after = connection.exec_driver_sql(
            "SELECT variant, recorded_at, rows_digest FROM study.part ORDER BY 1, 3"
        ).all()
        assert after == lived, "another price of a battery lives nothing again"
        assert connection.exec_driver_sql("SELECT count(*) FROM study.what_if").scalar_one() == 2


def test_a_site_of_which_nothing_is_measured_is_told_so_and_no_number_is_made_up(
    platform: Platform, home01: Site
) -> None:
    with pytest.raises(StudyInvalid, match="nothing of home01 is measured in the last year; name a history"):
        what_if.wanted(platform, home01, Question())
    asked = Asked("1", "what-if", "home01", {"battery_kwh": [20]}, "web:anna", NOW, "running")
    with pytest.raises(LookupError, match="home01"):
        what_if.answer(platform, asked)
    with pytest.raises(ValueError, match="no question"):
        what_if.answer(platform, Asked("1", "what-if", "home01", {"batery": 1}, "web:anna", NOW, "running"))


def test_without_days_the_newest_year_of_the_files_is_lived(platform: Platform, home01: Site) -> None:
    wanted = what_if.wanted(platform, home01, Question(), FILES)
    assert (wanted.study.first, wanted.study.last) == (date(2025, 12, 21), date(2026, 1, 15))
    with pytest.raises(StudyInvalid, match="the history cannot be read"):
        what_if.wanted(platform, home01, Question(), Files(files=(Path("nowhere.csv"),)))
