"""Set-points of a charger that calls in take the way of all others, and end on the charger itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

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


def car(current_a: float) -> Row:
    return ("car-1", "charger", "charge", current_a * 690, {"current_a": current_a, "phases": 3})


@pytest.fixture
def options() -> dict[str, Any]:
    """Of the charger, in the site file."""
    return {}


@pytest.fixture
def home01(home01: Site, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The demo site with a hungry car since ten o'clock, at a charger that calls in."""
    monkeypatch.setenv("EMS_HOME", str(tmp_path))
    monkeypatch.setattr(bench, "without_gaps", lambda site: site)  # the plant does it, and leaves options alone
    site = home01.model_dump(mode="json")
    site["chargers"][0] |= {"usual_arrival": "11:00", "usual_departure": "23:00", "usual_energy_wh": 90_000}
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


def told(home: Bench, current_a: float) -> None:
    """A plan for this quarter-hour, and control."""
    home.plan(car(current_a))
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
