"""Entities of Home Assistant as devices: what a state is worth, and what each misbehaviour turns into."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.contract import DeviceFault
from ems_pipeline.devices.homeassistant.entity import sample_of, state_of, terms
from ems_pipeline.devices.installed.obedience import misfits
from ems_pipeline.devices.points.map_file import load_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.devices.points.reading import Quality, Reading
from ems_pipeline.devices.points.samples import Sample
from ems_pipeline.plant import Fault, Plant, running_plant
from ems_pipeline.plant.home_assistant import HomeAssistantTwin
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.devices.home_assistant_site import TOKEN, measured_by_home_assistant

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAP = load_map("home-assistant", {})
POWER = "sensor.grid_power"


def state(text: str, unit: str | None = "W", age_s: float = 5, **more: Any) -> dict[str, Any]:
    said = (NOON - timedelta(seconds=age_s)).isoformat()
    attributes = {} if unit is None else {"unit_of_measurement": unit}
    return {"entity_id": POWER, "state": text, "attributes": attributes, "last_updated": said, **more}


def sample(document: dict[str, Any], name: str = "grid_power_w", sign: int = 1, max_age_s: float = 300) -> Sample:
    found = state_of(json.dumps(document).encode(), POWER)
    return sample_of(MAP.point(name), [(sign, POWER, found)], NOON, max_age_s)


@pytest.mark.parametrize(
    ("name", "text", "unit", "value"),
    [
        ("grid_power_w", "1250.5", "W", 1250.5),
        ("grid_power_w", "-1.25", "kW", -1250.0),
        ("grid_import_wh", "4210.5", "kWh", 4_210_500.0),
        ("outdoor_temp_c", "50", "°F", 10.0),  # 5/9 * (50 - 32)
        ("outdoor_temp_c", "283.15", "K", 10.0),
        ("flow_rate_l_min", "1.2", "m³/h", 20.0),
        ("battery_soc_pct", "62", "%", 62.0),
        ("defrost", "on", None, 1.0),
        ("ev_status", "2", None, 2.0),
    ],
)
def test_a_state_is_taken_by_the_unit_it_states(name: str, text: str, unit: str | None, value: float) -> None:
    found = sample(state(text, unit), name)
    assert (found.quality, found.value) == (Quality.GOOD, pytest.approx(value))


@pytest.mark.parametrize(
    ("text", "unit", "quality", "why"),
    [
        ("unavailable", "W", Quality.NOT_READY, "is unavailable"),
        ("unknown", "W", Quality.NOT_READY, "is unknown"),
        ("", "W", Quality.NOT_READY, "is nothing"),
        ("21,5", "W", Quality.GARBAGE, "no number as a whole"),
        ("1 250", "W", Quality.GARBAGE, "no number as a whole"),
        ("nan", "W", Quality.GARBAGE, "no number as a whole"),
        ("inf", "W", Quality.GARBAGE, "no number as a whole"),
        ("1e999", "W", Quality.GARBAGE, "too large"),
        ("12 W", "W", Quality.GARBAGE, "no number as a whole"),
        ("on", "W", Quality.GARBAGE, "no number as a whole"),
        ("12", "kWh", Quality.GARBAGE, "is in 'kWh', and grid_power_w wants one of mW, W, kW, MW"),
        ("12", None, Quality.GARBAGE, "is without a unit"),
        ("70000", "W", Quality.OUT_OF_RANGE, "outside -69000..69000"),
    ],
)
def test_what_is_no_value_in_a_fitting_unit_is_none_and_says_why(
    text: str, unit: str | None, quality: Quality, why: str
) -> None:
    found = sample(state(text, unit))
    assert found.quality is quality
    assert why in found.reason
    assert quality is Quality.OUT_OF_RANGE or found.value is None


def test_a_state_counts_as_long_as_it_may_be_old() -> None:
    assert sample(state("1", age_s=300)).quality is Quality.GOOD
    late = sample(state("1", age_s=301))
    assert (late.value, late.quality) == (None, Quality.NOT_READY)
    assert "301 s ago and may be 300 s old" in late.reason
    assert sample(state("1", age_s=301), max_age_s=3600).quality is Quality.GOOD


def test_what_does_not_change_is_as_new_as_it_was_said_again() -> None:
    """`last_updated` stands still with the value; since 2024 `last_reported` tells that it was said again."""
    said_again = sample(state("0", age_s=40_000, last_reported=NOON.isoformat()))
    assert said_again.quality is Quality.GOOD
    assert sample(state("0", age_s=40_000)).quality is Quality.NOT_READY


@pytest.mark.parametrize("said", [None, 5, "yesterday", "2026-03-01T12:00:00"])
def test_a_state_of_no_known_instant_does_not_count(said: Any) -> None:
    found = sample(state("1") | {"last_updated": said})
    assert (found.value, found.quality) == (None, Quality.GARBAGE)


def test_a_state_from_the_future_does_not_count() -> None:
    found = sample(state("1", age_s=-3600))
    assert (found.value, found.quality) == (None, Quality.NOT_READY)
    assert "a clock was set back" in found.reason


@pytest.mark.parametrize("body", [b"", b"[]", b"[" * 100_000, b"null", b'{"entity_id": "sensor.other", "state": "1"}'])
def test_an_answer_that_is_no_state_of_the_entity_is_garbage(body: bytes) -> None:
    with pytest.raises(DeviceFault) as fault:
        state_of(body, POWER)
    assert fault.value.quality is Quality.GARBAGE


def test_entities_add_up_with_their_signs() -> None:
    assert terms("sensor.a") == [(1, "sensor.a")]
    assert terms("-sensor.a") == [(-1, "sensor.a")]
    assert terms("sensor.a - sensor.b + sensor.c_2") == [(1, "sensor.a"), (-1, "sensor.b"), (1, "sensor.c_2")]
    assert sample(state("5"), sign=-1).value == -5
    parts = [(1, "sensor.a", state_of(json.dumps(state("7")).encode(), POWER))]
    parts += [(-1, "sensor.b", state_of(json.dumps(state("2", "kW")).encode(), POWER))]
    assert sample_of(MAP.point("grid_power_w"), parts, NOON, 300).value == 7 - 2000


def test_as_bad_as_its_worst_entity() -> None:
    good, lost = (state_of(json.dumps(state(text)).encode(), POWER) for text in ("7", "unavailable"))
    found = sample_of(MAP.point("grid_power_w"), [(1, "sensor.a", good), (-1, "sensor.b", lost)], NOON, 300)
    assert (found.value, found.quality) == (None, Quality.NOT_READY)
    assert "sensor.b" in found.reason


# In a plant: a house that only Home Assistant measures


@pytest.fixture
def plant(home01: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    monkeypatch.setenv(TOKEN, "a-long-lived-token")
    with running_plant(measured_by_home_assistant(home01), SimulatedClock(NOON), history_days=0) as found:
        found.world.clock.advance_to(NOON + timedelta(hours=20))  # type: ignore[attr-defined]
        yield found


def read(plant: Plant, device: str = "inverter") -> dict[str, Reading]:
    async def ask() -> list[Reading]:
        driver = fleet.open_site(plant.site, plant.world.clock).drivers[device]
        return list(await driver.read([p.key for p in driver.point_map.points]))

    return {r.quantity: r for r in asyncio.run(ask())}


def twin(plant: Plant, device: str = "inverter") -> HomeAssistantTwin:
    found = plant.twins[device]
    assert isinstance(found, HomeAssistantTwin)
    return found


def test_a_house_is_measured_through_home_assistant_in_its_units_and_signs(plant: Plant) -> None:
    found, flows = read(plant), plant.world.flows
    assert [r for r in found.values() if not r.is_good] == []
    assert found["grid_power_w"].value == pytest.approx(flows.grid_w, abs=0.01)
    assert found["battery_power_w"].value == pytest.approx(flows.battery_w, abs=0.01)
    assert found["grid_import_wh"].value == pytest.approx(plant.world.counters.import_wh, rel=1e-6)


def test_what_the_site_file_does_not_name_the_device_has_not_got(plant: Plant) -> None:
    assert set(read(plant, "wallbox-1")) == {"ev_power_w"}


def test_other_units_change_nothing(plant: Plant) -> None:
    twin(plant).shown_in = {"sensor.grid_import": "kW", "sensor.battery_power": "kW", "sensor.meter_in": "MWh"}
    found = read(plant)
    assert found["grid_power_w"].value == pytest.approx(plant.world.flows.grid_w, abs=0.01)
    assert found["grid_import_wh"].value == pytest.approx(plant.world.counters.import_wh, rel=1e-6)


def test_a_unit_that_does_not_fit_costs_that_quantity_alone(plant: Plant) -> None:
    twin(plant).shown_in = {"sensor.pv_power": "kWh"}
    found = read(plant)
    assert "is in 'kWh', and pv_power_w wants one of" in found["pv_power_w"].reason
    assert [q for q, r in found.items() if not r.is_good] == ["pv_power_w"]


def test_a_renamed_entity_costs_that_quantity_alone(plant: Plant) -> None:
    twin(plant).renamed = {"sensor.battery_soc": "sensor.pack_soc"}
    found = read(plant)
    assert (found["battery_soc_pct"].value, found["battery_soc_pct"].quality) == (None, Quality.REFUSED)
    assert "knows no sensor.battery_soc: it was renamed" in found["battery_soc_pct"].reason
    assert [q for q, r in found.items() if not r.is_good] == ["battery_soc_pct"]


def test_one_lost_device_of_home_assistants_costs_its_own_entities(plant: Plant) -> None:
    twin(plant).lost = {"sensor.grid_export"}
    found = read(plant)
    assert [q for q, r in found.items() if not r.is_good] == ["grid_power_w"]
    assert (found["grid_power_w"].value, found["grid_power_w"].quality) == (None, Quality.NOT_READY)


def test_what_home_assistant_repeats_grows_too_old(plant: Plant) -> None:
    plant.inject(Fault("freeze", "inverter"))
    clock = plant.world.clock
    assert isinstance(clock, SimulatedClock)
    clock.advance_to(clock.at + timedelta(seconds=299))
    assert read(plant)["grid_power_w"].is_good
    clock.advance_to(clock.at + timedelta(seconds=10))
    found = read(plant)
    assert {(r.value, r.quality) for r in found.values()} == {(None, Quality.NOT_READY)}
    plant.clear()
    assert read(plant)["grid_power_w"].is_good


def test_while_it_restarts_nothing_is_known_and_it_is_asked_once(plant: Plant) -> None:
    plant.inject(Fault("busy", "inverter"))
    assert {r.quality for r in read(plant).values()} == {Quality.NOT_READY}
    plant.clear()
    plant.inject(Fault("reboot", "inverter"))
    assert {r.quality for r in read(plant).values()} == {Quality.NO_ANSWER}


@pytest.mark.parametrize(("token", "why"), [("wrong", "the token is refused (HTTP 401)"), (None, f"set {TOKEN}")])
def test_without_its_token_nothing_is_told_and_the_token_is_not_shown(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, token: str | None, why: str
) -> None:
    monkeypatch.delenv(TOKEN) if token is None else monkeypatch.setenv(TOKEN, token)
    found = read(plant)
    assert {(r.value, r.quality) for r in found.values()} == {(None, Quality.REFUSED)}
    assert all(why in r.reason and "a-long-lived-token" not in r.reason for r in found.values())


# The site file


def faults(site: Site, **named: str | float) -> list[str]:
    devices = [d.model_copy(update={"options": named}) if d.key == "wallbox-1" else d for d in site.devices]
    return list(misfits(site.model_copy(update={"devices": tuple(devices)})))


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"ev_power_w": "Sensor.X"}, "is no name of its kind; write grid_power_w: sensor.grid_power"),
        ({"ev_power_w": "sensor.a/../../config"}, "is no name of its kind"),
        ({"ev_power_w": "sensor.a  + sensor.b"}, "is no name of its kind"),
        ({"ev_power_w": 5.0}, "is no path"),
        ({"grid_power": "sensor.a"}, "did you mean 'grid_power_w'?"),
        ({"ev_power_w": "sensor.a", "max_age_s": 1.0}, "no number from 10 to 86400"),
        ({}, "map home-assistant names nothing of its own"),
    ],
)
def test_what_names_no_entity_is_refused_with_the_site_file(
    home01: Site, named: dict[str, str | float], why: str
) -> None:
    found = faults(measured_by_home_assistant(home01), **named)
    assert any(why in fault for fault in found), found


def test_a_site_that_names_its_entities_is_taken(home01: Site) -> None:
    assert list(misfits(measured_by_home_assistant(home01))) == []


def test_no_map_writes_to_home_assistant() -> None:
    point = {"name": "x", "path": "switch.pump", "access": "rw", "range": [0, 1]}
    about = {"map": "m", "title": "", "driver": "meter", "silence": "", "sources": [], "protocol": "home-assistant"}
    with pytest.raises(ValueError, match="only reads; remove `access`"):
        PointMap.model_validate({**about, "points": [point]})
