"""A battery that a file steers, from the plan to the power: ordered, guarded, renewed, forgotten, let go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from ems_pipeline import control
from ems_pipeline.control import envelope
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import BatteryCommand
from ems_pipeline.plant import Fault
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode
from ems_pipeline.warehouse import Warehouse, arming
from ems_pipeline_tests.control import conftest
from ems_pipeline_tests.control.bench import Row
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.devices.recipes import written_to

CHARGE: Row = ("pack", "battery", "charge", -2345.0, {"charge_limit_w": 2345, "target_soc_pct": 90})
SELL: Row = ("pack", "battery", "discharge", 1500.0, {"discharge_limit_w": 1500, "target_soc_pct": 20})
HOLD: Row = ("pack", "battery", "hold", 0.0, {})
OWN: Row = ("pack", "battery", "self-use", 0.0, {})


def with_battery(site: Site, **grid: float) -> Site:
    """The home with a battery of its own beside the inverter, behind the inverter's gateway."""
    (inverter,) = (d for d in site.devices if d.key == "inverter")
    own = inverter.model_copy(update={"key": "own", "map": "made-up-battery", "unit_id": 77, "options": {}})
    packs = tuple(b.model_copy(update={"device": "own"}) for b in site.batteries)
    update = {"devices": (*site.devices, own), "batteries": packs, "grid": site.grid.model_copy(update=grid)}
    return site.model_copy(update=update)


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    written_to(tmp_path)
    monkeypatch.setenv("EMS_DEVICE_MAPS", str(tmp_path))
    return tmp_path


@pytest.fixture
def owned(warehouse: Warehouse, home01: Site, maps: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with conftest.living(warehouse, with_battery(home01), 0, monkeypatch) as found:
        yield found


def battery_w(home: Bench) -> float:
    home.plant.world.advance()
    return home.plant.world.hybrids["own"].battery_w


def is_on_its_own(home: Bench) -> bool:
    home.plant.world.advance()
    return home.plant.world.hybrids["own"].order.power_w is None and home.held("own")["remote_wanted"] == 0


def keep_alive(home: Bench, seconds: float) -> None:
    control.keep_alive(home.warehouse, [home.site], home.clock.now() + timedelta(seconds=seconds), home.clock)


@pytest.mark.parametrize(
    ("row", "order_w", "moves_w"),
    [(CHARGE, -2340, -2340), (SELL, 1500, 1500), (HOLD, 0, 0)],
    ids=["charge", "sell", "hold"],
)
def test_a_mode_becomes_the_writes_of_the_file_in_their_order(
    owned: Bench, row: Row, order_w: float, moves_w: float
) -> None:
    """2345 W in a register of 10 W are 2340 W: never more than was asked."""
    owned.plan(row)
    assert owned.control()["own"].state == "echoed"
    told = [(point, value) for device, point, value in owned.written if device == "own"]
    assert [point for point, _ in told] == ["life", "remote_wanted", "order"][: 2 + bool(order_w)]
    assert owned.held("own")["order"] == order_w
    assert battery_w(owned) == moves_w


def test_its_power_is_seen_to_follow(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    owned.advance(seconds=50)
    assert owned.verify()["own"].state == "effective"


def test_what_lives_for_a_minute_is_renewed_until_the_next_look(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    begun, written = owned.held("own")["life"], len(owned.written)
    keep_alive(owned, 108)
    assert owned.held("own")["life"] - begun == 5, "every 20 s in 108 s"
    again = [(p, v) for d, p, v in owned.written[written:] if d == "own" and p != "life"]
    assert again == [("remote_wanted", 1.0), ("order", -2340.0)] * 5, "the journalled values, in their order"
    owned.advance(seconds=30)
    assert battery_w(owned) == -2340
    assert owned.states("own") == ["echoed"], "a renewal is no set-point of its own"


def test_without_us_it_is_on_its_own_after_a_minute_and_the_next_look_says_so(owned: Bench) -> None:
    owned.plan(CHARGE)
    owned.control()
    owned.advance(seconds=61)
    assert is_on_its_own(owned)
    assert owned.verify()["own"].state in ("released", "reverted")
    assert owned.states("own") == ["reverted", "released"]


@pytest.mark.parametrize("withdrawn", ["arm", "site file", "end"])
def test_nothing_is_renewed_without_both_opt_ins_nor_beyond_its_end(owned: Bench, withdrawn: str) -> None:
    owned.plan(CHARGE)
    owned.control()
    if withdrawn == "arm":
        with owned.warehouse.begin() as connection:
            arming.disarm(connection, owned.site.key, owned.clock.now(), "test")
    elif withdrawn == "site file":
        policy = owned.site.control.model_copy(update={"enabled": False})
        owned.plant.site = owned.site.model_copy(update={"control": policy})
        conftest.bench.known(owned.warehouse, owned.site, owned.clock.now())
    else:
        owned.advance(minutes=20)
    written = len(owned.written)
    keep_alive(owned, 100)
    assert owned.written[written:] == []


def test_a_site_that_holds_nothing_waits_for_nothing(owned: Bench) -> None:
    before = owned.clock.now()
    keep_alive(owned, 100)
    assert owned.clock.now() == before


def test_an_order_waits_until_the_device_says_that_it_is_remote(owned: Bench) -> None:
    """The register of the state stays at 0: the order is not sent, and what was is handed back."""
    owned.plant.inject(Fault("zero", "own"))
    owned.plan(SELL)
    owned.control()
    assert [p for d, p, _ in owned.written if d == "own" and p == "order"] == []
    assert owned.states("own") == ["failed", "released"]


@pytest.mark.parametrize(
    ("fault", "states"),
    [
        ("ignored-write", ["failed", "released"]),
        ("exception", ["failed"]),
        ("busy", ["failed"]),
        ("out-of-range", ["failed"]),
    ],
)
def test_a_fault_moves_nothing_and_is_named(owned: Bench, fault: str, states: list[str]) -> None:
    owned.plant.inject(Fault(fault, "own"))
    owned.plan(CHARGE)
    assert owned.control()["own"].text
    assert owned.states("own") == states
    assert is_on_its_own(owned)


def test_a_battery_that_echoes_and_does_not_move_is_released(owned: Bench) -> None:
    owned.plant.inject(Fault("no-effect", "own"))
    owned.plan(SELL)
    owned.control()
    for _ in range(3):
        keep_alive(owned, 108)
        owned.advance(seconds=20)
        owned.verify()
    assert owned.states("own")[:2] == ["failed", "released"]


def test_release_hands_it_back_and_a_second_one_has_nothing_to_do(owned: Bench) -> None:
    owned.plan(SELL)
    owned.control()
    now = owned.clock.now()
    assert [o.state for o in control.release_site(owned.warehouse, owned.site, now, owned.clock, "test")][-1:] == [
        "released"
    ]
    assert owned.held("own")["remote_wanted"] == 0
    written = len(owned.written)
    control.release_site(owned.warehouse, owned.site, now, owned.clock, "test")
    assert owned.written[written:] == []


@pytest.mark.parametrize(
    ("grid_w", "pv_w", "export_limit_w", "may_w"),
    [
        (500.0, 0.0, 4000.0, 4000.0),
        (-3000.0, 3500.0, 4000.0, 1000.0),
        (-5000.0, 5200.0, 4000.0, 0.0),
        (None, 0.0, 4000.0, 0.0),
    ],
)
def test_a_battery_that_knows_no_export_limit_sells_no_more_than_the_contract_leaves(
    home01: Site, maps: Path, grid_w: float | None, pv_w: float, export_limit_w: float, may_w: float
) -> None:
    """3 kW go out already and 4 kW may: 1 kW is left for it. Where nobody measures the connection, it sells nothing."""
    site = with_battery(home01, export_limit_w=export_limit_w)
    values = {"pv_power_w": pv_w} | ({} if grid_w is None else {"grid_power_w": grid_w})
    state = {"inverter": Observed(values), "own": Observed({"battery_power_w": 0.0, "battery_soc_pct": 60.0})}
    live = Live(site, {d.key: state.get(d.key, Observed()) for d in site.devices})
    asked = BatteryCommand("own", BatteryMode.DISCHARGE, discharge_limit_w=4000.0)
    command, notes = envelope.bound(site, asked, live)
    assert isinstance(command, BatteryCommand)
    given_w = command.discharge_limit_w if command.mode is BatteryMode.DISCHARGE else 0.0
    assert given_w == may_w
    assert bool(notes) == (may_w < 4000)
