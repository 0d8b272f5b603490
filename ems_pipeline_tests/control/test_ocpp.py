"""Set-points of a charger that calls in take the way of all others, and end on the charger itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline import control
from ems_pipeline.devices.installed.options import stated
from ems_pipeline.devices.ocpp.admission import terms
from ems_pipeline.devices.ocpp.central import Entrance
from ems_pipeline.plant.ocpp_calls import Switchboard
from ems_pipeline.plant.ocpp_twin import OcppTwin
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import alarms, arming
from ems_pipeline_tests.control import bench
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench

BOX, SAFE_A = "wallbox-1", 6.0


def car(current_a: float, phases: int = 3) -> Row:
    return ("car-1", "charger", "charge", current_a * 230 * phases, {"current_a": current_a, "phases": phases})


@pytest.fixture
def options() -> dict[str, Any]:
    """Of the device, in the site file."""
    return {}


@pytest.fixture
def switches() -> bool:
    """Whether the charger changes its phases."""
    return False


@pytest.fixture
def home01(
    home01: Site, options: dict[str, Any], switches: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Site:
    """The demo site with a hungry car since ten o'clock, at a charger that calls in."""
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setattr(bench, "without_gaps", lambda site: site)  # the plant does it, and leaves options alone
    site = home01.model_dump(mode="json")
    site["chargers"][0] |= {"usual_arrival": "11:00", "usual_departure": "23:00", "usual_energy_wh": 90_000}
    site["chargers"][0]["switches_phases"] = switches
    site["gateways"].append({"key": "cars", "transport": "ocpp", "host": "127.0.0.1", "port": 9000})
    site["devices"][1] = {"key": BOX, "map": "ocpp-charger", "gateway": "cars", "options": options}
    return Site.model_validate(site)


def board(home: Bench) -> Switchboard:
    assert home.plant.chargers is not None
    return home.plant.chargers


def twin(home: Bench) -> OcppTwin:
    """The charger's truth."""
    found = home.plant.twins[BOX]
    assert isinstance(found, OcppTwin)
    return found


def pass_by(home: Bench, **delta: float) -> None:
    home.advance(**delta)
    board(home).settle()


def alarmed(home: Bench) -> set[str]:
    with home.warehouse.begin() as connection:
        return {kind for device, kind in alarms.open_texts(connection, home.site.key) if device == BOX}


def told(home: Bench, current_a: float, phases: int = 3) -> None:
    """A plan for this quarter-hour, and control."""
    home.plan(car(current_a, phases))
    home.control()


def restarted(home: Bench, *, at_once: bool = True) -> Entrance:
    """The server dies with all it knew; another one listens at its place."""
    former = board(home).served[0]
    (port,) = {g.port for g in home.site.gateways if g.key == "cars"}
    anew = Entrance(type(former.door)(former.door.host, port), home.clock)
    anew.expect({BOX: terms(stated(home.site, home.site.device(BOX)))})
    board(home).do(former.close())
    board(home).serves(anew)
    if at_once:
        board(home).do(anew.open(None))
        board(home).settle()
    return anew


def test_a_setpoint_lives_as_any_other(home: Bench) -> None:
    board(home).settle()
    told(home, 8)
    assert home.states(BOX) == ["echoed"]
    pass_by(home, minutes=2)
    home.verify()
    assert home.states(BOX) == ["effective"]
    assert twin(home).box.power_w == pytest.approx(8 * 690)


def test_it_is_renewed_with_each_quarter_hour_and_ends_twenty_minutes_after_the_last(home: Bench) -> None:
    board(home).settle()
    for _ in range(3):
        told(home, 8)
        assert twin(home).limit_a() == 8
        pass_by(home, minutes=15)
    assert home.states(BOX) == ["superseded", "superseded", "echoed"]
    pass_by(home, minutes=4)
    assert twin(home).limit_a() == 8
    pass_by(home, minutes=2)
    assert twin(home).limit_a() == SAFE_A, "nobody came, and the charger knows by itself"
    home.verify()
    assert home.states(BOX)[-2:] == ["expired", "released"]


def test_in_shadow_nothing_reaches_the_charger(home: Bench) -> None:
    board(home).settle()
    with home.warehouse.begin() as connection:
        arming.disarm(connection, home.site.key, home.clock.now(), "test")
    told(home, 8)
    assert twin(home).profiles == {}


def test_what_is_disarmed_is_handed_back_to_the_safe_current_and_stays_there(home: Bench) -> None:
    board(home).settle()
    told(home, 16)
    with home.warehouse.begin() as connection:
        arming.disarm(connection, home.site.key, home.clock.now(), "test")
    home.verify()
    assert home.states(BOX) == ["superseded", "released"]
    twin(home).reboots()
    board(home).do(board(home).callers[BOX].hang_up())
    pass_by(home, minutes=2)
    assert twin(home).limit_a() == SAFE_A, "a server that is called again tells nothing by itself"


@pytest.mark.parametrize("options", [{"safe_current_a": 0}])
def test_the_safe_state_may_be_off(home: Bench) -> None:
    board(home).settle()
    told(home, 16)
    pass_by(home, minutes=21)
    assert twin(home).box.power_w == 0


def test_a_refused_profile_fails_with_its_reason(home: Bench) -> None:
    board(home).settle()
    twin(home).feel("refuses")
    home.plan(car(8))
    outcome = home.control()[BOX]
    assert outcome.state == "failed"
    assert "Rejected" in outcome.text
    assert alarmed(home) & {"setpoint-failed", "release-failed"}


@pytest.mark.parametrize("options", [{"composite_schedule": False}])
def test_a_charger_that_ignores_its_profile_is_named_by_its_power(home: Bench) -> None:
    board(home).settle()
    twin(home).feel("ignores")
    told(home, 8)
    assert home.states(BOX) == ["echoed"], "it says yes"
    for _ in range(3):
        pass_by(home, minutes=2)
        home.verify()
    assert home.states(BOX) == ["failed", "released"]
    assert alarmed(home) == {"no-effect"}


@pytest.mark.parametrize("options", [{}, {"composite_schedule": False}])
def test_a_reboot_while_charging_is_noticed_and_told_again_with_the_next_quarter_hour(home: Bench) -> None:
    board(home).settle()
    told(home, 8)
    twin(home).reboots()
    board(home).do(board(home).callers[BOX].hang_up())
    pass_by(home, minutes=2)
    home.verify()
    assert home.states(BOX) == ["reverted", "released"]
    assert twin(home).limit_a() == SAFE_A
    pass_by(home, minutes=13)
    told(home, 8)
    assert home.states(BOX)[-1] == "echoed"
    assert twin(home).limit_a() == 8


def test_after_ems_up_was_killed_no_watchdog_reaches_a_charger_and_its_setpoint_ends_by_itself(home: Bench) -> None:
    """The server of chargers dies with `ems up`; what the watchdog then does is `release_all`."""
    board(home).settle()
    told(home, 16)
    told_at, anew = home.clock.now(), restarted(home, at_once=False)
    home.advance(minutes=1)
    found = {
        o.device: o for o in control.release_all(home.warehouse, home.clock.now(), home.clock, "ems up was killed")
    }
    assert found[BOX].state == "failed"
    assert "does not answer" in found[BOX].text
    offered: dict[int, float] = {}
    for minute in range(2, 31):
        home.clock.advance_to(told_at + timedelta(minutes=minute))
        home.plant.world.advance()
        offered[minute] = twin(home).limit_a()
    assert {offered[minute] for minute in range(2, 20)} == {16.0}
    assert {offered[minute] for minute in range(21, 31)} == {SAFE_A}
    board(home).do(anew.open(None))
    board(home).settle()
    home.verify()
    assert home.states(BOX)[-1] == "released", "who comes back looks after it"
    assert "release-failed" not in alarmed(home)


@pytest.mark.parametrize("switches", [True])
def test_a_plan_for_one_phase_is_told_paused_and_seen_in_the_power(home: Bench) -> None:
    board(home).settle()
    told(home, 10, phases=1)
    assert home.states(BOX) == ["echoed"]
    pass_by(home, minutes=2)
    home.verify()
    assert home.states(BOX) == ["effective"]
    assert twin(home).box.power_w == pytest.approx(2300)


def test_a_charger_that_cannot_switch_is_told_all_its_phases_whatever_a_plan_says(home: Bench) -> None:
    board(home).settle()
    told(home, 10, phases=1)
    assert twin(home).offer() == (10.0, 3)


@pytest.mark.parametrize("switches", [True])
@pytest.mark.parametrize("options", [{"composite_schedule": False}])
def test_a_charger_that_stays_at_three_phases_is_named_by_its_power_and_let_go(home: Bench) -> None:
    board(home).settle()
    twin(home).feel("one-way")
    told(home, 16, phases=1)
    assert home.states(BOX) == ["echoed"], "it says yes"
    for _ in range(3):
        pass_by(home, minutes=2)
        home.verify()
    assert home.states(BOX) == ["failed", "released"]
    assert alarmed(home) == {"no-effect"}
    assert twin(home).limit_a() == SAFE_A


def test_a_charger_that_forgets_its_limit_when_it_goes_on_is_noticed_and_told_again(home: Bench) -> None:
    board(home).settle()
    twin(home).feel("forgets-at-resume")
    home.plan(("car-1", "charger", "off", 0.0, {}))
    home.control()
    pass_by(home, minutes=15)
    told(home, 8)
    assert twin(home).limit_a() == 16
    pass_by(home, minutes=2)
    home.verify()
    assert home.states(BOX)[-2:] == ["failed", "released"], "it says that it offers all it has"
    assert twin(home).limit_a() == SAFE_A
    pass_by(home, minutes=13)
    told(home, 8)
    assert home.states(BOX)[-1] == "echoed"
    assert twin(home).limit_a() == 8


@pytest.mark.parametrize(("options", "power_w"), [({}, 0), ({"remote_start": True}, 8 * 690)])
def test_a_charger_whose_transaction_ends_with_a_pause_goes_on_where_the_site_file_says_to_start_it(
    home: Bench, power_w: float
) -> None:
    board(home).settle()
    home.plan(("car-1", "charger", "off", 0.0, {}))
    home.control()
    twin(home).feel("ends-at-pause")
    pass_by(home, minutes=15)
    assert twin(home).transaction is None
    told(home, 8)
    pass_by(home, minutes=2)
    pass_by(home, minutes=1)
    assert twin(home).box.power_w == pytest.approx(power_w)


def test_a_counter_that_goes_back_stops_no_setpoint(home: Bench) -> None:
    board(home).settle()
    told(home, 8)
    pass_by(home, minutes=1)
    twin(home).feel("counts-back")
    pass_by(home, minutes=1)
    home.verify()
    assert home.states(BOX) == ["effective"]


def test_while_the_server_is_away_the_charger_goes_on_and_then_is_safe(home: Bench) -> None:
    board(home).settle()
    told(home, 16)
    anew = restarted(home, at_once=False)
    home.advance(minutes=2)
    home.verify()
    assert home.states(BOX) == ["echoed"], "a lost server is not a lost charger"
    home.advance(minutes=13)
    home.plan(car(8))
    assert "does not answer" in home.control()[BOX].text
    home.advance(minutes=6)
    home.plant.world.advance()
    assert twin(home).limit_a() == SAFE_A
    board(home).do(anew.open(None))
    board(home).settle()
    assert twin(home).limit_a() == SAFE_A, "nothing is told by itself"
    home.verify()
    pass_by(home, minutes=9)
    told(home, 8)
    assert twin(home).limit_a() == 8
    assert home.states(BOX)[-1] == "echoed"


def test_a_charger_that_moves_to_another_port_is_let_go_where_it_was_told(home: Bench) -> None:
    """Its old name and place are known to the server as long as something of ours stands there."""
    board(home).settle()
    told(home, 16)
    entrance = board(home).served[0]
    entrance.expect({})
    gateways = tuple(g.model_copy(update={"port": 1}) if g.key == "cars" else g for g in home.site.gateways)
    home.plant.site = home.site.model_copy(update={"gateways": gateways})
    home.advance(minutes=2)
    home.verify()
    assert home.states(BOX) == ["superseded", "released"]
    assert twin(home).limit_a() == SAFE_A


def test_telemetry_has_age_quality_and_reason(home: Bench) -> None:
    board(home).settle()
    board(home).hang_up_for_good()
    home.advance(minutes=1)
    home.plan(car(8))
    outcome = home.control()[BOX]
    assert outcome.state == "failed"
    since = f"{home.plant.start + timedelta(0):%Y-%m-%d %H:%M:%S} UTC"
    assert f"not connected since {since}" in outcome.text
