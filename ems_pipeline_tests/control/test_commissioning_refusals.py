"""What a hand may not do: write without opt-ins, outside map or site, blindly, too often, or beside another master."""

from __future__ import annotations

import pytest

from ems_pipeline.control import commissioning
from ems_pipeline.control.live import Observed
from ems_pipeline.control.prepare import prepare
from ems_pipeline.devices import fleet
from ems_pipeline.devices.driver.command import PointCommand
from ems_pipeline.devices.driver.contract import SetpointRefused
from ems_pipeline.plant import Fault
from ems_pipeline.sites import Site
from ems_pipeline.warehouse.claims import Source
from ems_pipeline.warehouse.intents import Intent
from ems_pipeline_tests.control.conftest import NOON
from ems_pipeline_tests.control.hand import SELL, Hand, disabled, disarm


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
    intent = Intent("inverter", command, Source.OVERRIDE, "", NOON)
    observed = Observed({"max_sell_power": 10_000.0})
    assert fault in prepare(intent, driver, observed, {("inverter", "max_sell_power"): 200}).fault
    assert bool(fault) == bool(prepare(intent, driver, observed, {("inverter", "max_sell_power"): 200}).fault)


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
    from ems_pipeline.warehouse.gateway_lock import Grant, gateway_locks

    monkeypatch.setattr(commissioning, "PATIENCE_S", 0.0)
    addresses = [f"{g.host}:{g.port}" for g in hand.home.site.gateways]
    with gateway_locks(hand.home.warehouse) as locks:
        assert locks.steer(addresses) is Grant.TAKEN
        (outcome,) = hand.write()
    assert outcome.state == "skipped"
    assert hand.home.written == []
