"""A stored row that this version does not understand is refused by name: none of it is told, none of it ignored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from ems_pipeline.control import authority
from ems_pipeline.control.live import Live, Observed
from ems_pipeline.devices.driver.command import (
    BatteryCommand,
    ChargerCommand,
    Command,
    GensetCommand,
    HeatPumpCommand,
    PointCommand,
    SignalCommand,
)
from ems_pipeline.sites import Site
from ems_pipeline.sites.modes import BatteryMode, ChargerMode, HeatPumpMode
from ems_pipeline.sites.wish import Limits, Unfit, Wish
from ems_pipeline.warehouse.claims import Claim, Planned, Source
from ems_pipeline.warehouse.intents import Intent, Unreadable, command_of
from ems_pipeline_tests.control.bench import Row, overriding
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNFIT: list[tuple[Row, str]] = [
    (("pack", "battery", "charge", -3e3, {"charge_limit_kw": 3}), "limits ['charge_limit_kw']"),
    (("pack", "battery", "warp", -3e3, {}), "mode 'warp', which is none of self-use"),
    (("pack", "battery", "charge", -3e3, {"charge_limit_w": "3000"}), "charge_limit_w = 3000; a limit is a number"),
    (("pack", "battery", "charge", -3e3, {"charge_limit_w": None}), "charge_limit_w = None; a limit is a number"),
    (("pack", "battery", "charge", -3e3, {"charge_limit_w": -1.0}), "charge_limit_w = -1.0; a limit is a number"),
    (("pack", "battery", "charge", -3e3, ["charge_limit_w"]), "limits ['charge_limit_w']; name each with"),  # type: ignore[list-item]
    (("roof-south", "pv", "curtail", 0.0, {}), "curtail; to what?"),
]


@pytest.mark.parametrize(("row", "named"), UNFIT)
def test_a_plan_row_that_its_asset_cannot_be_asked_is_refused_by_name(home: Bench, row: Row, named: str) -> None:
    home.plan(row, CAR)
    outcome = home.control()
    assert outcome["inverter"].state == "failed"
    assert named in outcome["inverter"].text
    assert outcome["wallbox-1"].state in ("echoed", "stands"), "it costs no other device anything"
    assert not [written for written in home.written if written[0] == "inverter"]


def test_an_override_that_its_asset_cannot_be_asked_any_more_is_refused_by_name(home: Bench) -> None:
    """Its row was filed when the asset was another one, or by another version."""
    now = home.clock.now()
    home.plan(CHARGE, CAR)
    with home.warehouse.begin() as connection:
        connection.execute(
            sa.text("""INSERT INTO ems.control_override (site_key, asset_key, mode, limits, from_at, until_at,
                           created_at, created_by)
                       VALUES ('home01', 'pack', 'charge', '{"charge_limit_kw": 3}', :now, :until, :now, 'anna')"""),
            {"now": now, "until": now + timedelta(hours=1)},
        )
    outcome = home.control()
    assert outcome["inverter"].state == "failed"
    assert "the override asks 'pack' for limits ['charge_limit_kw']" in outcome["inverter"].text
    assert not [written for written in home.written if written[0] == "inverter"]


def test_who_decides_is_not_hindered_by_a_row_of_less_authority(home01: Site) -> None:
    lower = Claim("pack", home01.wish("pack", "warp", {"factor": 9}), 0.0, "why", Source.PLAN)
    higher = overriding(home01, "pack", "hold")
    mandate = authority.Mandate(NOON, Planned("run", NOON, (lower,)), {"pack": higher})
    live = Live(home01, {d.key: Observed({"battery_soc_pct": 50.0}) for d in home01.devices})
    found = next(i for i in authority.resolve(home01, mandate, live, {}, NOON) if i.device == "inverter")
    assert (found.source, found.fault) == (Source.OVERRIDE, "")
    assert found.reason == "override 7 by anna, where the plan has warp factor=9 (why)"


def test_a_wish_is_what_was_said_of_it(home01: Site) -> None:
    asked = {"discharge_limit_w": 3000.0, "charge_limit_w": 10}
    wish = home01.wish("pack", "discharge", asked)
    assert wish == Wish(BatteryMode.DISCHARGE, Limits(charge_limit_w=10, discharge_limit_w=3000.0))
    assert (wish.limits.named, wish.expected_w) == (asked, 3000.0)
    assert str(wish) == "discharge charge_limit_w=10 discharge_limit_w=3000.0"
    unknown = home01.wish("pakc", "discharge", asked)
    assert isinstance(unknown, Unfit)
    assert "site home01 has no such asset; it has ['pack'" in unknown.fault
    assert unknown.expected_w == 0


COMMANDS: list[Command] = [
    BatteryCommand("inverter", BatteryMode.CHARGE, 3000.0, None, 80.0, 0.0, 4000.0),
    ChargerCommand("wallbox-1", ChargerMode.CHARGE, 10.0, 1),
    HeatPumpCommand("heat-pump", HeatPumpMode.BLOCKED, 900.0),
    SignalCommand("loxone", (("ems_battery_power", 3.0), ("ems_buy_price", 0.2))),
    GensetCommand("genset", True, 2000.0),
    PointCommand("inverter", "max_sell_power", 4000.0, restores=True),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_command_is_read_from_the_journal_as_it_was_told(command: Command) -> None:
    """PostgreSQL keeps the names in an order of its own."""
    document = Intent(command.device, command, Source.PLAN, "", NOON).document
    kept = json.loads(json.dumps(document), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    assert command_of(kept) == command


@pytest.mark.parametrize(
    "change",
    [{"command": "WarpCommand"}, {"mode": "warp"}, {"charge_limit_w": "much"}, {"factor": 9.0}, {"command": None}],
)
def test_a_journalled_command_of_another_version_is_named_and_its_device_let_go(
    home: Bench, change: dict[str, Any]
) -> None:
    home.plan(CHARGE, CAR)
    home.control()
    with home.warehouse.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE ems.setpoint SET command = command || CAST(:change AS jsonb) WHERE device_key = 'inverter'"
            ),
            {"change": json.dumps(change)},
        )
    home.advance(minutes=2)
    home.verify()
    assert home.held("inverter")["grid_charge_enable"] == 0
    assert home.steered() & {"inverter", "wallbox-1"} == {"wallbox-1"}, "nobody else is let go for it"
    with home.warehouse.begin() as connection:
        said = connection.exec_driver_sql(
            "SELECT state_reason FROM ems.setpoint WHERE device_key = 'inverter' AND state = 'failed'"
        ).scalar_one()
    assert "that this version does not understand" in said


def test_a_kept_command_that_nobody_understands_stays_what_it_was() -> None:
    document = {"command": "WarpCommand", "device": "engine"}
    found = command_of(document)
    assert isinstance(found, Unreadable)
    assert Intent("engine", found, Source.PLAN, "", NOON).document == document
