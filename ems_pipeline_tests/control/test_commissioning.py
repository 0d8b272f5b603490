"""One point by hand: one write, a journal, and back again, whatever ends the trial."""

from __future__ import annotations

import asyncio

import pytest

from ems_pipeline.control import commissioning
from ems_pipeline.plant import Fault
from ems_pipeline_tests.control.hand import SELL, Hand, disabled
from ems_pipeline_tests.control.test_cycle import CHARGE


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


def test_too_much_import_ends_the_trial(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the gateways are ours nobody else can relieve the connection."""

    async def too_much(_: object) -> float:
        return 2 * hand.home.site.grid.import_limit_w

    monkeypatch.setattr(commissioning._Visit, "_grid_w", too_much)
    hand.write(restore_after_s=300)
    assert hand.waited == [5.0]
    assert "the connection carries" in hand.row(-1)["reason"]


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
