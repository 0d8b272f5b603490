"""A Victron GX by its own broker: what counts as an answer, what is told and to whom, and what a dead broker costs.

The broker is Mosquitto, the GX the plant's twin; a public client looks at that one in `plant/test_victron_client.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.contract import Driver, PointWrite
from ems_pipeline.devices.installed.address import as_wired, wires_of
from ems_pipeline.devices.installed.reach import reach, wider
from ems_pipeline.devices.points.map_file import MapFileError, load_map, read_map
from ems_pipeline.devices.points.reading import Quality, good_values
from ems_pipeline.plant import Fault, Plant, running_plant
from ems_pipeline.plant.gx_server import INSTANCE, Gx
from ems_pipeline.sites import Device, Gateway, Site
from ems_pipeline.time_grid import SimulatedClock
from ems_pipeline_tests.mosquitto import Listener, needed
from ems_pipeline_tests.plant.conftest import EVENING

PORTAL = "c0619ab1cafe"
GX = Gateway(key="gx", transport="victron-mqtt", host="127.0.0.1", port=1883, portal=PORTAL, timeout_s=0.4)
SETPOINT = f"vebus/{INSTANCE}/Hub4/L1/AcPowerSetpoint"
Work = Callable[[Driver], Awaitable[Any]]


@pytest.fixture(scope="module")
def lived(home01: Site) -> Iterator[tuple[Plant, SimulatedClock]]:
    needed()
    site, clock = home01, SimulatedClock(EVENING)
    own = Device(key="own", map="victron-ess-mqtt-3p", gateway="gx")
    packs = tuple(b.model_copy(update={"device": "own"}) for b in site.batteries)
    site = site.model_copy(
        update={"gateways": (*site.gateways, GX), "devices": (*site.devices, own), "batteries": packs}
    )
    with running_plant(site, clock, seed=3, history_days=0) as plant:
        yield plant, clock


@pytest.fixture
def plant(lived: tuple[Plant, SimulatedClock]) -> Iterator[Plant]:
    yield lived[0]
    lived[0].clear()
    lived[0].gxs["gx"].gone.clear()
    lived[0].twins["own"].hold({"ess_mode": 1.0, "setpoint_l1": 0.0})


@pytest.fixture
def gx(plant: Plant) -> Gx:
    return plant.gxs["gx"]


@pytest.fixture
def clock(lived: tuple[Plant, SimulatedClock]) -> SimulatedClock:
    return lived[1]


def with_driver(plant: Plant, work: Work, clock: SimulatedClock | None = None, **changed: Any) -> Any:
    gateways = tuple(g.model_copy(update=changed) if g.key == "gx" else g for g in plant.site.gateways)

    async def run() -> Any:
        opened = fleet.open_site(plant.site.model_copy(update={"gateways": gateways}), clock or plant.world.clock)
        try:
            return await work(opened.drivers["own"])
        finally:
            await opened.close()

    return asyncio.run(run())


def read(driver: Driver) -> Awaitable[Any]:
    return driver.read()


def test_it_measures_what_the_house_does(plant: Plant) -> None:
    live = good_values(with_driver(plant, read))
    hybrid = plant.world.hybrids["own"]
    assert live["battery_power_w"] == pytest.approx(hybrid.battery_w, abs=1)
    assert live["battery_soc_pct"] == pytest.approx(hybrid.cells.soc_pct, abs=0.1)  # type: ignore[union-attr]
    assert live["grid_power_w"] == pytest.approx(plant.world.flows.grid_w, abs=1)


def test_what_is_null_has_no_value_and_is_no_zero(plant: Plant, gx: Gx) -> None:
    gx.gone |= {"system/0/Dc/Battery/Soc", "system/0/Ac/Grid/L2/Power", "system/0/Dc/Pv/Power"}
    found = {r.quantity: r for r in with_driver(plant, read)}
    assert (found["battery_soc_pct"].value, found["battery_soc_pct"].quality) == (None, Quality.NOT_READY)
    assert "is null: nothing measures it now" in found["battery_soc_pct"].reason
    assert found["grid_power_w"].value is None, "two phases of three are not the connection"
    assert found["pv_power_w"].quality is Quality.ABSENT, "a GX without solar chargers"


def test_one_phase_has_a_grid_with_one_phase_and_none_without_its_meter() -> None:
    sum_of = [load_map("victron-ess-mqtt").by_name[f"grid_l{n}"].optional for n in (1, 2, 3)]
    assert sum_of == [False, True, True]
    assert not any(load_map("victron-ess-mqtt-3p").by_name[f"grid_l{n}"].optional for n in (1, 2, 3))


def test_a_service_that_the_gx_does_not_name_has_no_values_and_is_not_told(plant: Plant, gx: Gx) -> None:
    gx.gone.add("system/0/VebusInstance")
    heard = len(gx.heard)

    async def work(driver: Driver) -> Any:
        answer = await driver.write([PointWrite("ess_mode", 3.0), PointWrite("setpoint_l1", -500.0)])
        return answer, {r.quantity: r for r in await driver.read(["vebus_state", "battery_soc_pct"])}

    answer, found = with_driver(plant, work)
    assert [a.accepted for a in answer.answers] == [True, False]
    assert "the GX names no such service now" in answer.answers[1].reason
    assert found["vebus_state"].quality is Quality.NOT_READY
    assert found["battery_soc_pct"].is_good
    assert not [m for m in gx.heard[heard:] if m.topic.startswith("W/") and "vebus" in m.topic]


def test_what_nobody_asked_for_is_no_answer_however_old(plant: Plant, gx: Gx, clock: SimulatedClock) -> None:
    """A silent GX, and values that the broker or somebody else repeats: none of them counts."""

    async def work(driver: Driver) -> Any:
        await driver.read()
        gx.faults.add("half-open")
        clock.advance_to(clock.at + timedelta(seconds=75))
        return {r.quantity: r for r in await driver.read()}

    other = Listener(gx.broker)
    other.say(f"N/{PORTAL}/system/0/Dc/Battery/Soc", '{"value": 77}', retain=True)
    try:
        found = with_driver(plant, work, clock)
        first = {r.quantity: r for r in with_driver(plant, read)}["battery_soc_pct"]
        assert (first.value, first.reason) == (None, "system/0/Dc/Battery/Soc: the GX does not answer")
    finally:
        other.say(f"N/{PORTAL}/system/0/Dc/Battery/Soc", "", retain=True)
        other.close()
    soc = found["battery_soc_pct"]
    assert (soc.value, soc.quality) == (None, Quality.NO_ANSWER)
    assert soc.reason == "system/0/Dc/Battery/Soc: the GX does not answer; it said it last 75 s ago"
    assert {r.quality for r in found.values()} == {Quality.NO_ANSWER}


@pytest.mark.parametrize("fault", ["lost", "duplicate", "foreign", "truncated", "slow"])
def test_a_bad_line_costs_time_and_no_wrong_value(plant: Plant, gx: Gx, fault: str) -> None:
    right = good_values(with_driver(plant, read))
    plant.inject(Fault(fault, "gx"))
    found = {r.quantity: r for r in with_driver(plant, read, timeout_s=1.5)}
    if fault in ("truncated", "lost"):
        assert {r.quality for r in found.values()} <= {Quality.GOOD, Quality.GARBAGE, Quality.NO_ANSWER}
        found = {name: r for name, r in found.items() if r.is_good}
    assert found
    assert {name: r.value for name, r in found.items()} == pytest.approx({n: right[n] for n in found}, abs=1)


def test_garbage_is_told_and_never_a_value(plant: Plant) -> None:
    plant.inject(Fault("garbage", "gx"))
    assert {r.quality for r in with_driver(plant, read)} <= {Quality.GARBAGE, Quality.NOT_READY}


def test_orders_go_out_once_unretained_as_whole_numbers_and_are_read_back(plant: Plant, gx: Gx) -> None:
    heard = len(gx.heard)
    writes = [PointWrite("ess_mode", 3.0), PointWrite("setpoint_l1", 1500.0)]

    async def work(driver: Driver) -> Any:
        return await driver.write(writes), await driver.read_back(writes)

    answer, echoes = with_driver(plant, work)
    assert answer.accepted, answer.reason
    assert [e.matches for e in echoes] == [True, True]
    told = [m for m in gx.heard[heard:] if m.topic.startswith("W/")]
    hub4 = f"W/{PORTAL}/settings/0/Settings/CGwacs/Hub4Mode"
    assert [(m.topic, m.payload) for m in told] == [
        (hub4, b'{"value": 3}'),
        (f"W/{PORTAL}/{SETPOINT}", b'{"value": -1500}'),
    ]
    assert not any(m.is_retained for m in gx.heard[heard:])


def test_an_order_is_held_back_at_the_last_moment(plant: Plant, gx: Gx) -> None:
    heard = len(gx.heard)

    async def never() -> str:
        return "disarmed"

    answer = with_driver(plant, lambda driver: driver.write([PointWrite("ess_mode", 3.0)], never))
    assert answer.reason == "ess_mode: disarmed"
    assert not [m for m in gx.heard[heard:] if m.topic.startswith("W/")]


def test_a_gx_that_takes_nothing_shows_it(plant: Plant, gx: Gx) -> None:
    """It never says no: what it refuses is only not there afterwards, and what follows is not told."""
    plant.inject(Fault("ignored-write", "own"))
    writes = [PointWrite("ess_mode", 3.0), PointWrite("setpoint_l1", 1500.0)]

    async def work(driver: Driver) -> Any:
        return await driver.write(writes), await driver.read_back(writes)

    answer, echoes = with_driver(plant, work)
    assert [a.accepted for a in answer.answers] == [True, False]
    assert "taken only while ess_mode is 3, and it is 1" in answer.reason
    assert [e.matches for e in echoes] == [False, False]


def test_another_gx_at_the_same_broker_is_neither_heard_nor_told(plant: Plant, gx: Gx) -> None:
    heard = len(gx.heard)

    async def work(driver: Driver) -> Any:
        return await driver.read(), await driver.write([PointWrite("ess_mode", 3.0)])

    readings, answer = with_driver(plant, work, portal="c0619ab1c0de")
    assert {r.quality for r in readings} <= {Quality.NO_ANSWER, Quality.NOT_READY}
    assert not answer.accepted
    assert len(gx.heard) == heard
    assert plant.twins["own"].held["ess_mode"] == 1


def test_a_broker_that_dies_is_a_fault_and_comes_back(plant: Plant, gx: Gx) -> None:
    async def work(driver: Driver) -> Any:
        before = await driver.read()
        gx.broker.kill()
        down = await driver.read(), await driver.write([PointWrite("ess_mode", 3.0)])
        gx.broker.start()
        for _ in range(100):
            again = await driver.read()
            if all(r.is_good for r in again if r.quality is not Quality.ABSENT):
                break
        return before, down, again

    before, (silent, answer), again = with_driver(plant, work)
    assert {r.quality for r in silent} == {Quality.NO_ANSWER}
    assert "no connection" in silent[0].reason
    assert not answer.accepted
    assert good_values(again).keys() == good_values(before).keys()
    assert plant.twins["own"].held["ess_mode"] == 1, "an order that did not go out comes no later"


def test_a_connection_the_broker_has_closed_is_opened_again_for_the_next_question(plant: Plant, gx: Gx) -> None:
    async def work(driver: Driver) -> Any:
        await driver.read()
        gx.broker.kill()
        gx.broker.start()
        while not (again := await driver.read())[0].is_good:
            pass
        return again

    assert good_values(with_driver(plant, work))


def test_a_gx_says_what_changes_while_it_is_kept_alive(plant: Plant, gx: Gx, clock: SimulatedClock) -> None:
    """What the twin promises of a GX: nothing but the serial number is retained, and a minute without us is silence."""
    other, soc = Listener(gx.broker), f"N/{PORTAL}/system/0/Dc/Battery/Soc"
    try:
        other.drain()
        assert [m.topic for m in other.heard if m.is_retained] == [f"N/{PORTAL}/system/0/Serial"]
        other.say(f"R/{PORTAL}/keepalive", "")
        other.until(lambda: other.last(f"N/{PORTAL}/full_publish_completed"))
        assert other.last(soc)
        plant.twins["own"].hold({"ess_mode": 3.0})
        mode = f"N/{PORTAL}/settings/0/Settings/CGwacs/Hub4Mode"
        other.until(lambda: other.last(mode) == '{"value": 3}')
        clock.advance_to(clock.at + timedelta(seconds=61))
        assert not gx.is_alive
        plant.twins["own"].hold({"ess_mode": 2.0})
        other.drain()
        assert other.last(mode) == '{"value": 3}'
        other.say(f"R/{PORTAL}/settings/0/Settings/CGwacs/Hub4Mode", "")
        other.until(lambda: other.last(mode) == '{"value": 2}')
    finally:
        other.close()


def test_the_portal_is_part_of_what_an_arm_is_given_for(plant: Plant) -> None:
    site, maps = plant.site, {d.map: load_map(d.map) for d in plant.site.devices}
    other = site.model_copy(
        update={
            "gateways": tuple(g.model_copy(update={"portal": "c0619ab1c0de"}) if g.portal else g for g in site.gateways)
        }
    )
    given = reach(site, wires_of(site), maps)
    assert wider(given, reach(other, wires_of(other), maps))
    assert as_wired(other, "own", wires_of(site)["own"]).gateways[0].portal == PORTAL


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"transport": "victron-mqtt"}, "needs its portal"),
        ({"transport": "http", "portal": PORTAL}, "portal means nothing to a gateway that speaks http"),
    ],
)
def test_a_gateway_says_which_gx_it_is_and_no_other_has_one(given: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        Gateway.model_validate({"key": "gx", "host": "127.0.0.1", "port": 1883, **given})


def test_a_path_with_an_unknown_number_is_refused(tmp_path: Any) -> None:
    file = tmp_path / "own-gx.yaml"
    file.write_text("map: own-gx\nextends: victron-ess-mqtt\nlink: {instances: null}\n", encoding="utf-8")
    with pytest.raises(MapFileError):
        read_map(file)
    file.write_text(
        'map: own-gx\nextends: victron-ess-mqtt\npoints:\n  tank: {path: "tank/{tank}/Level"}\n', encoding="utf-8"
    )
    with pytest.raises(MapFileError, match=r"'tank': \{tank\} of its path is none of the link's `instances`"):
        read_map(file)
