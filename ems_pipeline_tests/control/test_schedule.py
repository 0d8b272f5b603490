"""Schedules decide below overrides and above the plan, and what they ask goes through envelope and import limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ems_pipeline.control import authority
from ems_pipeline.control.authority import Mandate
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import HeatPumpCommand
from ems_pipeline.sites import Schedule, Site
from ems_pipeline.sites.goal import Goal
from ems_pipeline.sites.modes import BatteryMode, HeatPumpMode
from ems_pipeline.time_grid import SLOT, SystemClock
from ems_pipeline.warehouse import overrides
from ems_pipeline.warehouse.claims import Claim, Planned, Source
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import Intent
from ems_pipeline_tests.control.bench import Row, ems, overriding
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
"""13:00 in Prague."""
COMFORTABLE = {"indoor_temp_c": 21.0}
QUIET = {"grid_power_w": 500.0, "battery_power_w": 0.0, "battery_soc_pct": 50.0}


def at_one(asset: str, mode: str, **limits: float) -> Schedule:
    """A schedule that acts at noon UTC."""
    fields = {"key": "midday", "asset": asset, "mode": mode, "limits": limits, "start": "13:00", "end": "14:00"}
    return Schedule.model_validate(fields)


def scheduled(site: Site, *schedules: Schedule) -> Site:
    return site.model_copy(update={"schedules": schedules})


def mandate(site: Site, planned: Row | None = None, override: Claim | None = None, age_minutes: int = 0) -> Mandate:
    plan = None
    if planned is not None:
        key, _, mode, power_w, limits = planned
        claim = Claim(key, site.wish(key, mode, limits), power_w, "as it pays", Source.PLAN)
        plan = Planned("run", NOON - timedelta(minutes=age_minutes), (claim,))
    return Mandate(NOON, plan, {} if override is None else {override.asset_key: override})


def decided(site: Site, wanted: Mandate, device: str, **inverter: Any) -> Intent:
    said = {"inverter": QUIET | inverter, "loxone": COMFORTABLE}
    live = Live(site, {d.key: Observed(said.get(d.key, {})) for d in site.devices})
    return next(d for d in authority.resolve(site, wanted, live, {}, NOON) if d.device == device)


BATTERY_MODES = st.none() | st.sampled_from([BatteryMode.SELF_USE, BatteryMode.HOLD])
HEATING_MODES = st.none() | st.sampled_from([HeatPumpMode.BLOCKED, HeatPumpMode.NORMAL])


@given(
    st.one_of(
        st.tuples(st.just(("pack", "inverter")), BATTERY_MODES, BATTERY_MODES, BATTERY_MODES),
        st.tuples(st.just(("heating", "heat-pump")), HEATING_MODES, HEATING_MODES, HEATING_MODES),
    ),
    st.sampled_from([0, 45]),
)
def test_override_before_schedule_before_plan_before_release(
    home01: Site, asked: tuple[Any, ...], age_minutes: int
) -> None:
    """Whoever is there of the highest authority decides, and nobody else; a plan that is too old is not there."""
    (asset, device), override, schedule, plan = asked
    site = scheduled(home01, *([] if schedule is None else [at_one(asset, schedule)]))
    planned = None if plan is None else (asset, "kind", plan, 0.0, {})
    wanted = mandate(site, planned, None if override is None else overriding(site, asset, override), age_minutes)
    found = decided(site, wanted, device)
    present = {"override": override, "schedule": schedule, "plan": None if age_minutes else plan}
    source, mode = next(((s, m) for s, m in present.items() if m is not None), ("release", None))
    assert found.source == source
    assert getattr(found.command, "mode", None) == mode


def test_the_reason_names_the_schedule_and_what_the_plan_had_asked(home01: Site) -> None:
    site = scheduled(home01, at_one("pack", "hold"))
    assert decided(site, mandate(site, ("pack", "battery", "charge", -3000.0, {})), "inverter").reason == (
        "schedule midday: hold, where the plan has charge (as it pays)"
    )
    assert decided(site, mandate(site), "inverter").reason == "schedule midday: hold"
    told = decided(site, mandate(site, override=overriding(site, "pack", "self-use")), "inverter").reason
    assert told.endswith("where the schedule has hold (schedule midday: hold)")


@pytest.mark.parametrize(
    ("schedule", "inverter", "source", "mode"),
    [
        (at_one("pack", "discharge", discharge_limit_w=4000), {"battery_soc_pct": 10.0}, "envelope", "hold"),
        (at_one("pack", "charge", charge_limit_w=8000), {"grid_power_w": 17_000.0}, "grid", "hold"),
        (at_one("pack", "charge", charge_limit_w=1500), {}, "schedule", "charge"),
    ],
)
def test_a_schedule_yields_to_the_envelope_and_the_import_limit(
    home01: Site, schedule: Schedule, inverter: dict[str, float], source: str, mode: str
) -> None:
    site = scheduled(home01, schedule)
    found = decided(site, mandate(site), "inverter", **inverter)
    assert (found.source, getattr(found.command, "mode", None)) == (source, mode), found
    if source != "schedule":
        assert "(asked: schedule midday" in found.reason


def test_a_schedule_acts_in_its_quarter_hours_and_the_plan_holds_again_after(home: Bench) -> None:
    home.plant.site = scheduled(
        home.site,
        Schedule.model_validate({"key": "lunch", "asset": "car-1", "mode": "off", "start": "13:15", "end": "13:30"}),
    )
    current = []
    for _ in range(3):
        home.plan(CHARGE, CAR)
        home.control()
        current.append(home.held("wallbox-1")["current_limit"])
        home.advance(minutes=15)
    assert current == [10, 0, 10]
    with home.warehouse.begin() as connection:
        told = query(
            connection,
            """SELECT source, reason, asset_keys FROM ems.setpoint WHERE device_key = 'wallbox-1'
               ORDER BY setpoint_id""",
        )
    assert told["source"].to_list() == ["plan", "schedule", "plan"]
    assert told["reason"][1].startswith("schedule lunch: off, where the plan has charge phases=3 current_a=10 (car-1")
    assert told["asset_keys"].to_list() == [["car-1"], [], ["car-1"]], "what no plan row asked leads to none"


def test_without_a_plan_a_schedule_acts_and_its_end_releases(home: Bench) -> None:
    home.plant.site = scheduled(home.site, at_one("car-1", "off"))
    home.control()
    assert home.held("wallbox-1")["current_limit"] == 0
    home.advance(hours=1)
    assert home.control()["wallbox-1"].state == "released"
    assert home.held("wallbox-1")["current_limit"] == 16


def test_the_command_line_shows_what_holds_today(files: Bench, tmp_path: Path) -> None:
    schedules = 'schedules: [{key: away, asset: car-1, mode: "off"}, {key: keep, asset: pack, mode: hold, days: [0]}]'
    file = tmp_path / "home01.yaml"
    file.write_text(file.read_text().replace("schedules: []", schedules))
    said = ems("control", "schedule", "list", "home01").output
    assert "away" in said
    assert "00:00-00:00" in said
    assert "acts" in said
    now = SystemClock().now()
    with files.warehouse.begin() as connection:
        overrides.add(connection, "home01", "car-1", "charge", {}, now, now + timedelta(minutes=5), "test", now)
    assert "an override goes before it" in ems("control", "schedule", "list", "home01").output


def test_the_command_line_adds_switches_and_removes_a_schedule_in_the_file(files: Bench, tmp_path: Path) -> None:
    file = tmp_path / "home01.yaml"
    file.write_text("# of the owner's own hand\n" + file.read_text())
    when = ("--start", "22:00", "--end", "06:00", "--days", "0,1,2,3,4")
    said = ems("control", "schedule", "add", "home01", "nights", "pack", "charge", "--power", "3000", *when)
    assert said.exit_code == 0, said.exception
    (added,) = yaml.safe_load(file.read_text())["schedules"]
    assert (added["mode"], added["limits"], added["days"]) == ("charge", {"charge_limit_w": 3000}, [0, 1, 2, 3, 4])
    assert ems("control", "schedule", "switch", "home01", "nights", "off").exit_code == 0
    assert yaml.safe_load(file.read_text())["schedules"][0]["active"] is False
    assert "switched off" in ems("control", "schedule", "list", "home01").output
    assert ems("control", "schedule", "remove", "home01", "nights").exit_code == 0
    assert yaml.safe_load(file.read_text())["schedules"] == []
    assert file.read_text().startswith("# of the owner's own hand\n")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["add", "home01", "x", "pack", "dance"], "mode 'dance'"),
        (["add", "home01", "x", "pack", "hold", "--power", "3"], "mode hold has no power"),
        (["add", "home01", "x", "nothing", "hold"], "names asset 'nothing'"),
        (["switch", "home01", "x", "off"], "has no schedule 'x'"),
        (["switch", "home01", "x", "perhaps"], "neither on nor off"),
    ],
)
def test_a_schedule_that_cannot_be_changes_no_file(
    files: Bench, tmp_path: Path, arguments: list[str], fault: str
) -> None:
    before = (tmp_path / "home01.yaml").read_text()
    said = ems("control", "schedule", *arguments)
    assert said.exit_code == 1
    assert fault in str(said.exception)
    assert (tmp_path / "home01.yaml").read_text() == before


def test_a_schedule_that_rests_neither_acts_nor_stands_in_anothers_way(home01: Site) -> None:
    rests = at_one("pack", "hold").model_copy(update={"active": False})
    acts = at_one("pack", "charge").model_copy(update={"key": "other"})
    assert not rests.covers(NOON, ZoneInfo("Europe/Prague"))
    assert acts.covers(NOON, ZoneInfo("Europe/Prague"))
    document = home01.model_dump(mode="json") | {"schedules": [s.model_dump(mode="json") for s in (rests, acts)]}
    assert len(Site.model_validate(document).schedules) == 2
    document["schedules"][0]["active"] = True
    with pytest.raises(ValueError, match="both act on 'pack'"):
        Site.model_validate(document)


def test_a_schedule_of_a_device_that_only_measures_is_refused_when_the_file_is_checked(
    home01: Site, tmp_path: Path
) -> None:
    metered = tuple(
        d.model_copy(update={"map": "sunspec-hybrid"} if d.key == "inverter" else {}) for d in home01.devices
    )
    site = scheduled(home01.model_copy(update={"devices": metered}), at_one("pack", "hold"))
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(site.model_dump(mode="json")))
    said = ems("site", "check", str(file))
    assert "'midday' asks 'pack', whose device's map sunspec-hybrid only measures" in str(said.exception)


def test_a_house_that_may_be_cold_is_held_back_below_its_usual_comfort_while_the_goal_holds(home01: Site) -> None:
    """18.5 °C: with the usual 20 °C the envelope lets the pump heat, with a goal of 16 °C the plan's block stands."""
    planned = mandate(home01, ("heating", "heat-pump", "blocked", 0.0, {}))
    cold = {
        d.key: Observed({"loxone": {"indoor_temp_c": 18.5}, "inverter": QUIET}.get(d.key, {})) for d in home01.devices
    }

    def told(wanted: Mandate) -> Intent:
        live = Live(home01, cold)
        return next(d for d in authority.resolve(home01, wanted, live, {}, NOON) if d.device == "heat-pump")

    away = replace(planned, goals=[Goal("heating", NOON, NOON + SLOT, comfort_min_c=16.0)])
    assert (told(planned).source, told(away).source) == (Source.ENVELOPE, Source.PLAN)
    assert told(away).command == HeatPumpCommand("heat-pump", HeatPumpMode.BLOCKED)
    frost = replace(planned, goals=[Goal("heating", NOON, NOON + SLOT, comfort_min_c=19.0)])
    assert told(frost).source is Source.ENVELOPE
