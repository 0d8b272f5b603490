"""Both opt-ins are read in the very transaction that commits an intent: what is withdrawn before it leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ems_pipeline.control.permit import Permit
from ems_pipeline.control.session import SiteSession
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse.engine import Blocked, DatabaseUnavailable
from ems_pipeline.warehouse.frames import query
from ems_pipeline.warehouse.intents import Intent
from ems_pipeline_tests.control.conftest import Bench
from ems_pipeline_tests.control.test_cycle import CAR, CHARGE


def test_an_intent_is_not_journalled_on_an_arm_that_was_withdrawn_after_the_decision(
    home: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    intend = SiteSession._intend

    async def late(session: SiteSession, prepared: Sequence[Intent], *arguments: Any, **named: Any) -> Any:
        with home.warehouse.begin() as connection:
            arming.disarm(connection, "home01", home.clock.now(), "somebody")
        return await intend(session, prepared, *arguments, **named)

    monkeypatch.setattr(SiteSession, "_intend", late)
    home.plan(CHARGE, CAR)
    assert home.control()[""].state == "withdrawn"
    assert home.written == []
    with home.warehouse.begin() as connection:
        assert query(connection, "SELECT setpoint_id FROM ems.setpoint WHERE NOT is_shadow").is_empty()


@pytest.mark.parametrize("fault", [DatabaseUnavailable("the database is away", "start it"), Blocked("somebody waits")])
def test_where_nobody_can_be_asked_nothing_of_the_plan_goes_out_and_the_device_is_handed_back(
    home: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    async def away(_permit: Permit, *_: Any) -> str:
        raise fault

    monkeypatch.setattr(Permit, "now", away)
    home.plan(CHARGE, CAR)
    told = home.control()["inverter"]
    assert "cannot be asked" in told.text
    assert home.states("inverter") == ["superseded", "released"]
    charging_a = 3000 / 50
    assert ("inverter", "max_charge_current", charging_a) not in home.written
    assert home.written != [], "what is handed back waits for nobody"
