"""One point by hand: nothing without opt-ins, nothing outside map and site, one write, a journal, and back again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ems_pipeline.control import commissioning
from ems_pipeline.control.desired import Desired, Source
from ems_pipeline.control.live import Observed
from ems_pipeline.control.order import Order
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.control.prepare import prepare
from ems_pipeline.devices import fleet
from ems_pipeline.devices.command import PointCommand
from ems_pipeline.devices.contract import SetpointRefused
from ems_pipeline.plant import Fault
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse import setpoints as journal
from ems_pipeline_tests.control.conftest import NOON, Bench
from ems_pipeline_tests.control.test_cycle import CHARGE

SELL = 4000.0


def disabled(site: Site) -> Site:
    return site.model_copy(update={"control": site.control.model_copy(update={"enabled": False})})


class Hand:
    """Somebody at the command line of the bench's site."""

    def __init__(self, home: Bench) -> None:
        self.home, self.said, self.waited = home, list[str](), list[float]()
        self.order = Order(home.site, "inverter", "max_sell_power", SELL, "test")

    async def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.home.advance(seconds=seconds)

    def look(self, **change: Any) -> str:
        return commissioning.look(self.home.warehouse, replace(self.order, **change), self.home.clock).undone

    def write(self, **change: Any) -> list[Outcome]:
        order = replace(self.order, **change)
        return commissioning.write(self.home.warehouse, order, self.home.clock, self.wait, self.said.append)

    def row(self, number: int) -> dict[str, Any]:
        """A set-point of the inverter, the newest being -1."""
        with self.home.warehouse.begin() as connection:
            ids = connection.exec_driver_sql(
                "SELECT setpoint_id FROM ems.setpoint WHERE device_key = 'inverter' ORDER BY setpoint_id"
            ).scalars()
            found, _ = journal.life(connection, "home01", list(ids)[number])
        return found


@pytest.fixture
def hand(home: Bench) -> Hand:
    return Hand(home)


def disarm(home: Bench) -> None:
    with home.warehouse.begin() as connection:
        arming.disarm(connection, home.site.key, home.clock.now(), "test")


def test_a_point_is_written_once_read_back_and_journalled(hand: Hand) -> None:
    before = hand.home.held("inverter")["max_sell_power"]
    (outcome,) = hand.write()
    assert outcome.state == "echoed"
    assert hand.home.written == [("inverter", "max_sell_power", SELL)]
    assert before != SELL
    assert "max_sell_power reads 4000 W" in hand.said
    assert hand.home.states("inverter") == ["echoed"]
    row = hand.row(-1)
    assert (row["source"], row["reason"]) == ("override", "commissioning by test")
    assert (row["command"]["point"], row["command"]["value"]) == ("max_sell_power", SELL)


def test_without_an_end_it_expires_and_the_device_is_released(hand: Hand) -> None:
    hand.write()
    hand.home.advance(minutes=19)
    hand.home.verify()
    assert hand.home.states("inverter") == ["echoed"]
    hand.home.advance(minutes=2)
    hand.home.verify()
    assert hand.home.states("inverter") == ["expired", "released"]
    assert hand.home.held("inverter")["max_sell_power"] == hand.home.site.grid.export_limit_w


def test_with_an_end_the_old_value_is_put_back_and_the_device_holds_nothing_of_ours(hand: Hand) -> None:
    before = hand.home.held("inverter")["max_sell_power"]
    hand.write(restore_after_s=60)
    assert sum(hand.waited) == 60
    assert [value for _, point, value in hand.home.written if point == "max_sell_power"] == [SELL, before]
    assert len(hand.home.written) == 2
    assert hand.home.states("inverter") == ["superseded", "released"]
    assert hand.home.steered() == set()
    hand.home.advance(minutes=40)
    hand.home.verify()
    assert len(hand.home.written) == 2, "nobody releases what holds nothing of ours"


def test_a_device_under_a_plan_goes_on_being_watched(hand: Hand) -> None:
    home = hand.home
    home.plan(CHARGE)
    home.control()
    hand.write(restore_after_s=30)
    assert home.states("inverter") == ["superseded", "superseded", "echoed"]
    assert "inverter" in home.steered()
    home.advance(minutes=25)
    home.verify()
    assert home.states("inverter")[-2:] == ["expired", "released"]
    assert home.held("inverter")["grid_charge_enable"] == 0


def test_whatever_ends_the_waiting_the_old_value_is_put_back(hand: Hand) -> None:
    before = hand.home.held("inverter")["max_sell_power"]

    async def interrupted(_: float) -> None:
        raise asyncio.CancelledError

    hand.wait = interrupted  # type: ignore[method-assign]
    hand.write(restore_after_s=60)
    assert hand.home.held("inverter")["max_sell_power"] == before
    assert hand.home.states("inverter") == ["superseded", "released"]


def test_a_killed_hand_leaves_a_setpoint_that_expires(hand: Hand) -> None:
    """Of a process that is killed nothing is left but the journal: the device is released two minutes late at most."""

    class Killed(BaseException): ...

    async def killed(_: float) -> None:
        raise Killed

    put_back = commissioning._Visit._put_back
    hand.wait = killed  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commissioning._Visit, "_put_back", lambda *_: asyncio.sleep(0, []))
        hand.write(restore_after_s=60)
    assert commissioning._Visit._put_back is put_back
    assert hand.home.held("inverter")["max_sell_power"] == SELL
    hand.home.advance(seconds=60 + 125)
    hand.home.verify()
    assert hand.home.states("inverter") == ["expired", "released"]
    assert hand.home.held("inverter")["max_sell_power"] != SELL


def test_too_much_import_ends_the_trial(hand: Hand) -> None:
    """While the gateways are ours nobody else can relieve the connection."""
    site = hand.home.site
    tight = site.model_copy(update={"grid": site.grid.model_copy(update={"import_limit_w": -20_000.0})})
    hand.write(site=tight, restore_after_s=300)
    assert hand.waited == [5.0]
    assert "the connection carries" in hand.row(-1)["reason"]


def test_nothing_is_written_on_a_site_that_is_not_armed(hand: Hand) -> None:
    disarm(hand.home)
    for more in ({}, {"commissioning": True, "restore_after_s": 60}):
        with pytest.raises(SetpointRefused, match=r"not armed .*ems control arm home01 --minutes 15"):
            hand.write(**more)
    assert hand.home.written == []


def test_a_site_that_enables_no_control_is_written_only_for_a_while_and_only_when_asked_so(hand: Hand) -> None:
    site = disabled(hand.home.site)
    before = hand.home.held("inverter")["max_sell_power"]
    with pytest.raises(SetpointRefused, match=r"does not enable control.*--commissioning --restore-after 60"):
        hand.write(site=site, restore_after_s=60)
    with pytest.raises(SetpointRefused, match="must end; add --restore-after SECONDS"):
        hand.write(site=site, commissioning=True)
    assert hand.home.written == []
    hand.write(site=site, commissioning=True, restore_after_s=60)
    assert [value for _, _, value in hand.home.written] == [SELL, before]
    assert hand.home.states("inverter") == ["superseded", "released"]


def test_on_such_a_site_a_failed_write_puts_back_one_point_and_releases_nothing_else(hand: Hand) -> None:
    """The owner's settings were never ours: a full release would overwrite them."""
    hand.home.plant.inject(Fault("ignored-write", "inverter"))
    before = dict(hand.home.held("inverter"))
    outcomes = hand.write(site=disabled(hand.home.site), commissioning=True, restore_after_s=60)
    assert outcomes[0].state == "failed"
    assert hand.home.held("inverter") == before
    assert {point for _, point, _ in hand.home.written} == {"max_sell_power"}
    assert sum(hand.waited) == 10, "only the settling was waited for"
    assert hand.home.steered() == set()


def test_on_a_live_site_a_failed_write_without_an_end_is_released(hand: Hand) -> None:
    hand.home.plant.inject(Fault("ignored-write", "inverter"))
    assert hand.write()[0].state == "failed"
    assert hand.home.states("inverter")[0] == "failed"
    assert hand.home.states("inverter")[1:], "a release was tried"


@pytest.mark.parametrize(
    ("point", "value", "said"),
    [
        ("battery_soc", 50.0, "is read-only"),
        ("max_sell_power", 25_000.0, "outside 0..20000"),
        ("max_sell_power", 12_000.0, "above what the site allows, 10000 (export_limit_w in the site file)"),
        ("max_charge_current", 100.0, "(charge_limit_w in the site file)"),
        ("max_solar_power", 30_000.0, "(pv_limit_w in the site file)"),
        ("slot3_soc", 5.0, "below what the site allows, 15 (min_soc_pct in the site file)"),
        ("limit_control", 7.0, "none of [0.0, 1.0, 2.0]"),
        ("grid_charge_current", 5.0, "nobody would ever put it back; add --restore-after SECONDS"),
    ],
)
def test_a_value_outside_map_or_site_is_refused_before_anybody_is_asked(
    hand: Hand, point: str, value: float, said: str
) -> None:
    for act in (hand.look, hand.write):
        with pytest.raises(SetpointRefused) as refused:
            act(point=point, value=value)
        assert said in str(refused.value)
    assert hand.home.written == []
    assert hand.home.states("inverter") == []


def test_a_connection_that_may_not_feed_in_is_not_made_to(hand: Hand) -> None:
    site = hand.home.site
    zero = site.model_copy(update={"grid": site.grid.model_copy(update={"export_limit_w": 0.0})})
    for point, value in (("solar_sell", 1.0), ("limit_control", 0.0), ("max_sell_power", 10.0)):
        with pytest.raises(SetpointRefused, match="what the site allows"):
            hand.write(site=zero, point=point, value=value)
    assert hand.home.written == []


def test_an_unknown_device_or_point_is_told_with_what_there_is(hand: Hand) -> None:
    with pytest.raises(LookupError, match="it has \\['inverter', 'wallbox-1'"):
        hand.look(device="cellar")
    with pytest.raises(LookupError, match="has no point 'warp'; it can be told \\['max_charge_current'"):
        hand.look(point="warp")
    with pytest.raises(SetpointRefused, match=r"--restore-after 900 s is outside 0..600 s"):
        hand.look(restore_after_s=900)


def test_what_stands_already_is_not_written_and_not_journalled(hand: Hand) -> None:
    stands = hand.home.held("inverter")["max_sell_power"]
    assert hand.write(value=stands, restore_after_s=60) == []
    assert hand.home.written == []
    assert hand.home.states("inverter") == []


def test_one_point_of_a_block_goes_with_the_others_as_they_stand(hand: Hand) -> None:
    before = dict(hand.home.held("inverter"))
    hand.write(point="slot2_soc", value=40.0, restore_after_s=20)
    first = {point: value for _, point, value in hand.home.written[:30]}
    assert len(first) == 30, "starts, powers, voltages, floors and flags of six slots in one request"
    assert {p: v for p, v in first.items() if v != pytest.approx(before[p], abs=0.051)} == {"slot2_soc": 40.0}
    assert hand.home.held("inverter")["slot2_soc"] == before["slot2_soc"]


def test_a_silent_device_is_not_written(hand: Hand) -> None:
    hand.home.plant.inject(Fault("busy", "inverter"))
    with pytest.raises(SetpointRefused, match=r"cannot be read \(exception 6: busy\)"):
        hand.write()
    assert hand.home.written == []


@pytest.mark.parametrize(("restores", "fault"), [(False, "its memory is allowed 200"), (True, "")])
def test_the_way_back_is_exempt_from_the_write_budget(home01: Site, restores: bool, fault: str) -> None:
    """Wear is the smaller harm."""
    driver = fleet.open_site(home01).drivers["inverter"]
    command = PointCommand("inverter", "max_sell_power", SELL, restores)
    desired = Desired("inverter", command, Source.OVERRIDE, "", NOON)
    observed = Observed({"max_sell_power": 10_000.0})
    assert fault in prepare(desired, driver, observed, {("inverter", "max_sell_power"): 200}).fault
    assert bool(fault) == bool(prepare(desired, driver, observed, {("inverter", "max_sell_power"): 200}).fault)


def test_a_used_up_write_budget_refuses_the_hand(hand: Hand) -> None:
    home = hand.home
    with home.warehouse.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO ems.point_write_count VALUES ('home01', 'inverter', 'max_sell_power', %s, 199)",
            (home.clock.now().date(),),
        )
    before = home.held("inverter")["max_sell_power"]
    hand.write(restore_after_s=20)
    assert home.held("inverter")["max_sell_power"] == before
    outcomes = hand.write(restore_after_s=20)
    assert outcomes[0].state == "failed"
    assert "its memory is allowed 200" in outcomes[0].text
    assert len(home.written) == 2


def test_nothing_is_written_while_another_controller_is_master(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    from ems_pipeline.warehouse.gateway_lock import gateway_locks

    monkeypatch.setattr(commissioning, "PATIENCE_S", 0.0)
    addresses = [f"{g.host}:{g.port}" for g in hand.home.site.gateways]
    with gateway_locks(hand.home.warehouse) as locks:
        assert locks.acquire(addresses)
        (outcome,) = hand.write()
    assert outcome.state == "skipped"
    assert hand.home.written == []
