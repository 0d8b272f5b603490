"""Several connectors of one station, each a charger of the site file: one connection, and nothing mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ems_pipeline.devices.installed import obedience
from ems_pipeline.devices.installed.address import place_of
from ems_pipeline.devices.ocpp.admission import expected
from ems_pipeline.devices.points.quantities import EvStatus
from ems_pipeline.plant.ocpp_twin import OcppTwin
from ems_pipeline.sites import Site
from ems_pipeline_tests.devices.ocpp_bench import VERSIONS, OcppBench, plugged, site_of_one

LEFT, RIGHT, STATION = "left", "right", "double-box"


@pytest.fixture(autouse=True)
def home(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMS_HOME", str(tmp_path))


def site_of_two(home01: Site, connectors: tuple[int, int] = (1, 2)) -> Site:
    """Two hungry cars since five o'clock at one station."""
    site = site_of_one(home01).model_dump(mode="json")
    (first,) = site["chargers"]
    site["chargers"] = [first | {"key": f"car-{key}", "device": key, "usual_arrival": "16:00"} for key in (LEFT, RIGHT)]
    site["devices"] = [
        {"key": key, "map": "ocpp-charger", "gateway": "cars", "options": {"station": STATION, "connector": number}}
        for key, number in zip((LEFT, RIGHT), connectors, strict=True)
    ]
    return Site.model_validate(site)


@pytest.fixture(params=VERSIONS)
def both(request: pytest.FixtureRequest, home01: Site) -> Iterator[OcppBench]:
    with plugged(site_of_two(home01), request.param) as bench:
        yield bench


def twin(bench: OcppBench, key: str) -> OcppTwin:
    found = bench.plant.twins[key]
    assert isinstance(found, OcppTwin)
    return found


def test_each_connector_is_told_and_read_for_itself(both: OcppBench) -> None:
    assert list(both.board.served[0].stations) == [STATION], "one station, one connection"
    for key, current_a in ((LEFT, 8), (RIGHT, 12)):
        answer, echoes = both.tell(current_a, box=key)
        assert answer.accepted, answer.reason
        assert all(e.matches for e in echoes)
    both.pass_by(minutes=1)
    for key, current_a in ((LEFT, 8), (RIGHT, 12)):
        assert twin(both, key).limit_a() == current_a
        said = both.said(key)
        assert said["ev_power_w"].value == pytest.approx(690 * current_a)
        assert said["ev_current_limit_a"].value == current_a


def test_profiles_of_one_connector_do_not_replace_those_of_the_other(both: OcppBench) -> None:
    """A station knows a profile by its number, at whatever connector it stands."""
    for key in (LEFT, RIGHT):
        both.tell(8, box=key)
    assert sorted(twin(both, LEFT).profiles) == [71, 72, 73]
    assert sorted(twin(both, RIGHT).profiles) == [171, 172, 173]


def test_letting_one_go_leaves_the_other_as_it_was_told(both: OcppBench) -> None:
    for key in (LEFT, RIGHT):
        both.tell(16, box=key)
    answer, _ = both.release(RIGHT)
    assert answer.accepted
    assert (twin(both, LEFT).limit_a(), twin(both, RIGHT).limit_a()) == (16, 6)


def test_sessions_begin_and_end_each_for_itself(both: OcppBench) -> None:
    both.pass_by(minutes=2)
    numbers = [twin(both, key).transaction for key in (LEFT, RIGHT)]
    assert None not in numbers
    assert numbers[0] != numbers[1]
    twin(both, LEFT).box._visits = []
    twin(both, LEFT).box._day = both.clock.now().date()
    both.pass_by(minutes=2)
    assert both.said(LEFT)["ev_status"].value == EvStatus.NOT_CONNECTED
    right = both.said(RIGHT)
    assert right["ev_status"].value == EvStatus.CHARGING
    assert right["session_energy_wh"].value == pytest.approx(11_040 * 4 / 60, abs=2)


def test_the_limit_of_the_whole_station_is_never_touched_and_holds_over_both(both: OcppBench) -> None:
    """Its own limit (connector 0) leaves each its part; that it offers less than told is seen, not believed."""
    twin(both, LEFT).cabinet.most_a = 20.0
    both.tell(16, box=LEFT)
    _, echoes = both.tell(16, box=RIGHT)
    assert {e.point: e.found for e in echoes if not e.matches} == {"current_limit": 10.0}
    both.pass_by(minutes=1)
    powers = [both.said(key)["ev_power_w"].value or 0.0 for key in (LEFT, RIGHT)]
    assert sum(powers) == pytest.approx(20 * 690)
    both.release(LEFT)
    both.release(RIGHT)
    assert twin(both, LEFT).cabinet.most_a == 20.0


def test_nothing_is_ever_told_to_connector_0(both: OcppBench) -> None:
    sent: list[dict[str, Any]] = []
    (station,) = both.board.served[0].stations.values()
    asking = station.ask

    async def noting(request: Any) -> Any:
        sent.append(vars(request))
        return await asking(request)

    station.ask = noting  # type: ignore[method-assign]
    for key in (LEFT, RIGHT):
        both.tell(8, box=key)
        both.release(key)
    assert sent
    assert 0 not in {request.get("connector_id", request.get("evse_id")) for request in sent}
    assert all("charging_profile_purpose" not in str(r) or "ChargePointMax" not in str(r) for r in sent)


def test_a_station_that_starts_anew_is_unsure_of_all_its_connectors(both: OcppBench) -> None:
    for key in (LEFT, RIGHT):
        both.tell(8, box=key)
    twin(both, LEFT).reboots()
    both.board.do(both.board.callers[STATION].hang_up())
    both.settle()
    for key in (LEFT, RIGHT):
        assert both.said(key)["limit_until"].value is None


def test_two_devices_are_not_one_connector(home01: Site) -> None:
    same = site_of_two(home01, (1, 1))
    assert "connector 1 of station 'double-box' is 'left' already" in "".join(obedience.misfits(same))
    found = expected([same], lan=False)
    assert [list(chargers) for chargers in found.doors.values()] == [[LEFT]]
    assert "right: connector 1 of station double-box is left already" in found.faults[0]


def test_connectors_are_places_of_their_own(home01: Site) -> None:
    site = site_of_two(home01)
    places = [place_of(site, device) for device in site.devices]
    assert places == ["127.0.0.1:9000 double-box ocpp-charger", "127.0.0.1:9000 double-box connector 2 ocpp-charger"]


def test_a_connector_that_nobody_named_says_what_it_wants_and_changes_nothing(home01: Site) -> None:
    """The file names the second connector alone."""
    site = site_of_two(home01)
    alone = site.model_copy(update={"devices": site.devices[1:], "chargers": site.chargers[1:]})
    with plugged(alone, "ocpp1.6") as bench:
        (station,) = bench.board.served[0].stations.values()

        async def said() -> tuple[Any, Any]:
            return station.changes(connector_id=1, status="Faulted", error_code="GroundFailure"), station.starts(
                connector_id=1, id_tag="x", meter_start=0, timestamp="2026-01-14T17:00:00Z"
            )

        bench.board.do(said())
        assert bench.said(RIGHT)["fault"].value == 0
