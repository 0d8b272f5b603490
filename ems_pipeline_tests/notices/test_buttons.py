"""The button below a message about alarms: whoever bound the chat knows of them, once, and a genset's alarm, too."""

from __future__ import annotations

from datetime import datetime

import pytest

from ems_pipeline.gensets.alarms.alarm import Controller
from ems_pipeline.gensets.states import AlarmGroup
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plant.telegram_twin import TelegramTwin
from ems_pipeline.scada.alarms import Alarms
from ems_pipeline_tests.gensets.seen import bits, shot
from ems_pipeline_tests.notices.conftest import House
from ems_pipeline_tests.notices.test_bot import ANNA, BERT, pressed

STATE = "SELECT state, acknowledged_by FROM ems.genset_alarm"


@pytest.fixture
def data(house: House, twin: TelegramTwin, telegram: Telegram) -> str:
    """What the button carries below the message of an engine that was shut down."""
    ((now,),) = house.rows("SELECT now()")
    assert isinstance(now, datetime)
    house.clock.at = now
    house.change("TRUNCATE ems.genset_alarm CASCADE")
    house.person("anna", "operator")
    house.chat("anna", ANNA)
    alarms, stop = Alarms(house.warehouse, {Controller("home01", "inverter"): ()}), AlarmGroup.SHUTDOWN
    alarms.take(now, [shot(now, bits("overspeed", group=stop), site="home01", device="inverter")])
    house.teller(telegram).look()
    ((_, message),) = [call for call in twin.calls if call[0] == "sendMessage"]
    assert "Overspeed (shutdown)" in str(message["text"])
    button = message["reply_markup"]["inline_keyboard"][0][0]
    assert len(button["callback_data"]) <= 64, "what Telegram takes"
    return str(button["callback_data"])


def test_pressing_it_acknowledges_once_in_the_persons_name(
    house: House, twin: TelegramTwin, telegram: Telegram, data: str
) -> None:
    poller = house.poller(telegram)
    assert pressed(house, twin, poller, data) == "anna knows of 1 open alarm."
    assert house.rows(STATE) == [("acknowledged", "telegram:anna")]
    assert house.rows("SELECT acknowledged_by FROM ems.alarm") == [("telegram:anna",)]
    assert pressed(house, twin, poller, data) == "It was noted already."
    assert house.rows("SELECT count(*) FROM ems.genset_alarm_event WHERE what = 'acknowledged'") == [(1,)]


def test_it_is_nobody_elses_and_not_for_who_may_only_look(
    house: House, twin: TelegramTwin, telegram: Telegram, data: str
) -> None:
    poller = house.poller(telegram)
    assert pressed(house, twin, poller, data, BERT) == "This button is not yours."
    assert pressed(house, twin, poller, "know:made-up") == "This button is not yours."
    house.change("UPDATE ems.person SET role = 'viewer'")
    assert "may look and not acknowledge" in pressed(house, twin, poller, data)
    assert house.rows(STATE) == [("unacknowledged", None)]


def test_a_button_of_last_week_and_one_of_what_is_over_do_nothing(
    house: House, twin: TelegramTwin, telegram: Telegram, data: str
) -> None:
    poller = house.poller(telegram)
    house.change("UPDATE ems.notice_button SET made_at = made_at - interval '8 days'")
    assert pressed(house, twin, poller, data) == "Too late: look at the page of alarms."
    house.change("UPDATE ems.notice_button SET made_at = now()")
    house.change("UPDATE ems.alarm SET cleared_at = now()")
    assert pressed(house, twin, poller, data) == "anna knows of 0 open alarms."
    assert house.rows(STATE) == [("unacknowledged", None)]
