"""Switches and contacts that are steered: a machine behind a Shelly or Tasmota, a heat pump by SG Ready contacts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ems_pipeline.control import effect
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import MachineCommand
from ems_pipeline.plant import Fault
from ems_pipeline.sites import DailyWindow, DeferrableLoad, Device, Gateway, Site
from ems_pipeline.sites.modes import MachineMode
from ems_pipeline.warehouse import Warehouse
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row, overriding
from ems_pipeline_tests.control.conftest import Bench

RUN: Row = ("pump", "deferrable", "run", 1500.0, {})
OFF: Row = ("pump", "deferrable", "off", 0.0, {})
SWITCHES = ["shelly-switch", "shelly-1pm", "tasmota-switch"]


def with_device(site: Site, map_name: str) -> Site:
    gateway = Gateway(key="plug", transport="http", host="127.0.0.1", port=1)
    device = Device(key="plug", map=map_name, gateway="plug")
    return site.model_copy(update={"gateways": (*site.gateways, gateway), "devices": (*site.devices, device)})


@pytest.fixture
def map_name() -> str:
    return SWITCHES[0]


@pytest.fixture
def plugged(warehouse: Warehouse, home01: Site, map_name: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    window = DailyWindow.model_validate({"start": "08:00", "end": "20:00"})
    pump = DeferrableLoad(key="pump", device="plug", power_w=1500.0, run_minutes=120, window=window)
    site = with_device(home01, map_name).model_copy(update={"deferrables": (pump,)})
    with conftest.living(warehouse, site, 0, monkeypatch) as found:
        yield found


@pytest.fixture
def contacts(warehouse: Warehouse, home01: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    pumps = tuple(p.model_copy(update={"device": "plug"}) for p in home01.heat_pumps)
    site = with_device(home01, "shelly-sg-ready").model_copy(update={"heat_pumps": pumps})
    site = site.model_copy(update={"devices": tuple(d for d in site.devices if d.key not in ("heat-pump", "loxone"))})
    with conftest.living(warehouse, site, 0, monkeypatch) as found:
        yield found


def drawn_w(home: Bench) -> float:
    home.plant.world.advance()
    return home.plant.world.switched_w.get("plug", 0.0)


@pytest.mark.parametrize("map_name", SWITCHES)
def test_a_machine_runs_when_the_plan_says_so_and_its_power_proves_it(plugged: Bench) -> None:
    plugged.plan(RUN)
    assert plugged.control()["plug"].state == "echoed"
    assert drawn_w(plugged) == 1500
    plugged.advance(minutes=2)
    plugged.verify()
    assert plugged.states("plug") == ["effective"]
    plugged.advance(minutes=13)
    plugged.plan(OFF)
    plugged.control()
    assert drawn_w(plugged) == 0


@pytest.mark.parametrize("map_name", SWITCHES)
def test_without_us_it_is_off_after_its_timer_and_looks_keep_it_running(plugged: Bench) -> None:
    plugged.plan(RUN)
    plugged.control()
    for _ in range(5):
        plugged.advance(minutes=2)
        plugged.verify()
    assert drawn_w(plugged) == 1500
    plugged.advance(seconds=301)
    assert drawn_w(plugged) == 0
    plugged.verify()
    assert plugged.states("plug")[0] == "reverted"


@pytest.mark.parametrize("map_name", ["tasmota-switch"])
def test_a_watchdog_stands_before_what_it_watches(plugged: Bench) -> None:
    plugged.plant.twins["plug"].hold({"pulse_time": 0.0})
    plugged.plan(RUN)
    plugged.control()
    told = [(p, v) for d, p, v in plugged.written if d == "plug"]
    assert told == [("pulse_time", 400.0), ("output", 1.0)]
    plugged.advance(minutes=2)
    plugged.verify()
    assert [(p, v) for d, p, v in plugged.written if d == "plug"][2:] == [("output", 1.0)], "only the order is renewed"


@pytest.mark.parametrize(
    ("fault", "first"), [("ignored-write", "failed"), ("exception", "failed"), ("no-effect", "echoed")]
)
def test_a_switch_at_fault_is_named(plugged: Bench, fault: str, first: str) -> None:
    plugged.plant.inject(Fault(fault, "plug"))
    plugged.plan(RUN)
    plugged.control()
    plugged.advance(minutes=2)
    plugged.verify()
    assert plugged.states("plug")[0] == first
    assert drawn_w(plugged) == 0


@pytest.mark.parametrize(("power_w", "verdict"), [(0.4, "obeyed"), (1500.0, "disobeyed"), (None, "cannot be told")])
def test_what_is_off_and_draws_has_disobeyed(plugged: Bench, power_w: float | None, verdict: str) -> None:
    values = {} if power_w is None else {"machine_power_w": power_w}
    live = Live(plugged.site, {"plug": Observed(values)})
    assert effect.judge(plugged.site, MachineCommand("plug", MachineMode.OFF), live).verdict.value == verdict


@pytest.mark.parametrize(
    ("mode", "held"),
    [("blocked", (1, 0)), ("normal", (0, 0)), ("recommended", (0, 1)), ("forced", (1, 1))],
)
def test_two_contacts_are_the_four_states(contacts: Bench, mode: str, held: tuple[float, float]) -> None:
    """The label: 1:0 blocked, 0:0 normal, 0:1 recommended, 1:1 forced; a house nobody measures is not blocked."""
    contacts.plan(("heating", "heat-pump", mode, 1000.0, {}))
    contacts.control()
    now = contacts.held("plug")
    wanted = (0, 0) if mode == "blocked" else held
    assert (now["contact1"], now["contact2"]) == wanted


def test_the_contacts_open_when_nobody_renews_them(contacts: Bench) -> None:
    contacts.plan(("heating", "heat-pump", "forced", 1000.0, {}))
    contacts.control()
    unit = contacts.plant.world.heatings["heating"]
    assert unit.contact_shift_k == 7
    contacts.advance(seconds=301)
    contacts.plant.world.advance()
    assert unit.contact_shift_k == 0


def test_an_override_switches_a_machine(plugged: Bench) -> None:
    claim = overriding(plugged.site, "pump", "run")
    assert str(claim.wish) == "run"
