"""Each person is told once what they want, when they want it, at the pace that the service takes."""

from __future__ import annotations

import itertools
import logging
from datetime import UTC, datetime, time

import pytest

from ems_pipeline.notices.telling import Teller
from ems_pipeline.notify.choice import Quiet, Wishes
from ems_pipeline.notify.notice import SEVERITIES
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plant.smtp_twin import SmtpTwin
from ems_pipeline.plant.telegram_twin import TelegramTwin
from ems_pipeline_tests.notices.conftest import TOKEN, House, mail

ANNA, BERT, GROUP, SUPERGROUP = 101, 102, -100, -1001
PRAGUE = "Europe/Prague"


@pytest.fixture
def anna(house: House) -> int:
    house.person("anna")
    return house.chat("anna", ANNA)


def told(twin: TelegramTwin, chat: int = ANNA) -> list[list[str]]:
    """Kinds of alarms by message."""
    return [[line.split(": ")[2] for line in text.splitlines() if ": " in line] for text in twin.texts(chat)]


def test_alarms_of_one_look_are_one_message_the_worst_first(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    for number, severity in enumerate((*SEVERITIES, "warning")):
        house.alarm(f"k{number}", severity)
    house.teller(telegram).look()
    assert twin.texts(ANNA) == [
        "critical: home01: k2: so it is\nwarning: home01: k1: so it is\nwarning: home01: k3: so it is"
    ], "and nothing below a warning, unless it is wanted"


def test_a_restart_tells_nothing_twice_and_what_grew_worse_again(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.alarm("a")
    for _ in range(3):
        house.teller(telegram).look()
        house.later(seconds=5)
    house.alarm("a", "critical")
    house.teller(telegram).look()
    house.later(seconds=5)
    house.alarm("a", "warning")
    house.teller(telegram).look()
    assert told(twin) == [["a"], ["a"]]
    house.over("a")
    house.alarm("a")
    house.later(seconds=5)
    house.teller(telegram).look()
    assert told(twin) == [["a"], ["a"], ["a"]], "it ended and returned: another alarm"


def test_everybody_hears_of_their_sites_and_of_the_installation_who_sees_all(
    house: House, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("anna")
    house.person("bert", "viewer", ("home02",))
    house.chat("anna", ANNA, Wishes(sites=frozenset({"home02"})))
    house.chat("bert", BERT)
    for kind, site in (("one", "home01"), ("two", "home02"), ("all", None)):
        house.alarm(kind, site=site)
    house.teller(telegram).look()
    assert (told(twin, ANNA), told(twin, BERT)) == ([["two", "all"]], [["two"]])


def test_quiet_hours_hold_back_what_is_not_critical_and_tell_it_when_they_end(
    house: House, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("anna")
    house.chat("anna", ANNA, Wishes(quiet=Quiet(time(22), time(6, 30), PRAGUE)))
    house.chat("anna", BERT, Wishes(quiet=Quiet(time(22), time(6, 30), PRAGUE), critical_breaks_quiet=False))
    teller = house.teller(telegram)
    house.clock.advance_to(datetime(2026, 3, 1, 21, 30, tzinfo=UTC))  # 22:30 in Prague
    for kind, severity in (("fire", "critical"), ("dust", "warning"), ("gone", "warning")):
        house.alarm(kind, severity)
    teller.look()
    assert (told(twin, ANNA), told(twin, BERT)) == ([["fire"]], [])
    house.over("gone")
    house.clock.advance_to(datetime(2026, 3, 2, 5, 29, tzinfo=UTC))
    teller.look()
    assert (told(twin, ANNA), told(twin, BERT)) == ([["fire"]], [])
    house.clock.advance_to(datetime(2026, 3, 2, 5, 30, tzinfo=UTC))
    teller.look()
    assert (told(twin, ANNA), told(twin, BERT)) == ([["fire"], ["dust"]], [["fire", "dust"]])


def test_a_pause_that_the_service_asks_for_is_kept_to_the_second_and_keeps_nobody_else_waiting(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("bert")
    house.chat("bert", BERT)
    twin.floods[ANNA] = 30
    house.alarm("a")
    teller = house.teller(telegram)
    teller.look()
    assert (told(twin, ANNA), told(twin, BERT)) == ([], [["a"]])
    asked = len(twin.calls)
    house.later(seconds=30)
    teller.look()
    assert len(twin.calls) == asked, "nobody asks before the service said, and a second more"
    house.later(seconds=1)
    teller.look()
    assert told(twin, ANNA) == [["a"]]
    assert house.open().keys() == {"a"}, "a pause is no trouble"


def test_the_service_never_has_to_ask_for_a_pause(house: House, twin: TelegramTwin, telegram: Telegram) -> None:
    """Its own limits: a message a second to a chat, twenty a minute to a group."""
    house.person("anna")
    house.chat("anna", ANNA)
    house.chat("anna", GROUP)
    teller = house.teller(telegram)
    for second in range(90):
        house.alarm(f"k{second}")
        teller.look()
        house.later(seconds=1)
    sent = [parameters["chat_id"] for method, parameters in twin.calls if method == "sendMessage"]
    assert len(sent) == len(twin.messages), "nothing was refused"
    assert sent.count(ANNA) == 90
    assert 29 <= sent.count(GROUP) <= 30
    assert sum(len(kinds) for kinds in told(twin, GROUP)) >= 87, "merged, and not lost"


def test_a_group_that_moved_is_told_once_at_its_new_number(
    house: House, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("anna")
    house.chat("anna", GROUP)
    twin.moved[GROUP] = SUPERGROUP
    house.alarm("a")
    house.teller(telegram).look()
    house.later(seconds=5)
    house.teller(telegram).look()
    assert (told(twin, GROUP), told(twin, SUPERGROUP)) == ([], [["a"]])
    assert house.rows("SELECT address FROM ems.notice_channel") == [(str(SUPERGROUP),)]


def test_a_chat_that_blocks_the_bot_is_an_alarm_that_goes_by_the_other_ways(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram, post: SmtpTwin
) -> None:
    house.email("anna", "anna@example.org")
    twin.blocked.add(ANNA)
    house.alarm("a")
    teller = house.teller(telegram)
    for _ in range(3):
        teller.look()
        house.later(minutes=1)
    assert [method for method, _ in twin.calls].count("sendMessage") == 1, "who blocks us is not asked again"
    said = house.open()[f"channel-blocked:telegram:{anna}"]
    assert "bot was blocked by the user" in said
    assert "`ems user channel telegram anna`" in said
    house.teller(mail(post)).look()
    (letter,) = post.letters
    assert "channel-blocked:telegram" in letter.get_content()
    twin.blocked.clear()
    house.change("UPDATE ems.notice_channel SET state = 'open'")  # as binding it again does
    teller.look()
    assert house.open().keys() == {"a"}
    assert told(twin) == [["a"]]


def test_a_dead_service_is_an_alarm_elsewhere_and_delays_nobody(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram, post: SmtpTwin
) -> None:
    house.email("anna", "anna@example.org")
    twin.faults.add("wrong-token")
    dead, sound = house.teller(telegram), house.teller(mail(post))
    house.alarm("a")
    for _ in range(12):
        dead.look()
        sound.look()
        house.later(seconds=15)
    assert post.letters[0].get_content().splitlines() == ["warning: home01: a: so it is"]
    assert "401 Unauthorized; check EMS_TELEGRAM_TOKEN" in house.open()["notices-telegram"]
    assert "notices-telegram" in post.letters[1].get_content()
    twin.faults.clear()
    for _ in range(60):
        dead.look()
        house.later(seconds=15)
    assert told(twin) == [["a"]], "not that Telegram is dead: that is not true any more"
    assert "notices-telegram" not in house.open()


@pytest.mark.parametrize(("fault", "most"), [("lost", 3), ("slow", 3)])
def test_what_may_have_arrived_is_repeated_twice_at_most_and_says_so(
    house: House, anna: int, twin: TelegramTwin, fault: str, most: int
) -> None:
    twin.faults.add(fault)
    house.alarm("a")
    teller = house.teller(Telegram(TOKEN, twin.address, timeout_s=0.2))
    for _ in range(40):
        teller.look()
        house.later(minutes=1)
    rows = house.rows("SELECT state, tries FROM ems.notice_told")
    assert rows == [("unsure", most)]
    if fault == "lost":
        first, *others = twin.texts(ANNA)
        assert first == "warning: home01: a: so it is"
        assert others == [f"Perhaps told before: the line broke after it was said.\n{first}"] * (most - 1)


def test_what_was_being_sent_when_the_process_died_is_told_again_and_says_so(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.alarm("a")
    house.change(
        "INSERT INTO ems.notice_told SELECT notice_channel_id, alarm_id, 'warning', 'sending', 1, now() "
        "FROM ems.notice_channel, ems.alarm"
    )
    house.teller(telegram).look()
    assert twin.texts(ANNA)[0].startswith("Perhaps told before")


def test_a_service_in_trouble_is_asked_ever_less_often_and_nothing_is_lost(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    twin.faults.add("broken")
    house.alarm("a")
    teller, asked, state = house.teller(telegram), list[datetime](), "SELECT at FROM ems.notice_told"
    for _ in range(240):
        before = house.rows(state)
        teller.look()
        if house.rows(state) != before:
            asked.append(house.clock.now())
        house.later(seconds=15)
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(asked)]
    assert gaps == [15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 900.0, 900.0][: len(gaps)]
    assert len(gaps) >= 7
    twin.faults.clear()
    house.later(minutes=15)
    teller.look()
    assert told(twin) == [["a"]]


def test_no_message_is_longer_than_the_service_takes_and_none_is_left_out(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram
) -> None:
    for number in range(60):
        house.alarm(f"k{number}", text="\N{FIRE}" * 300)
    teller = house.teller(telegram)
    for _ in range(60):
        teller.look()
        house.later(seconds=1)
    assert sorted(kind for kinds in told(twin) for kind in kinds) == sorted(f"k{number}" for number in range(60))
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in twin.texts(ANNA))


def test_the_token_is_in_no_log_and_no_error(
    house: House, anna: int, twin: TelegramTwin, telegram: Telegram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    house.alarm("a")
    secret = TOKEN.partition(":")[2]
    for faults in (set(), {"wrong-token", "echo"}, {"broken"}, {"lost"}):
        twin.faults = faults
        house.change("DELETE FROM ems.notice_told")
        teller: Teller = house.teller(telegram)
        for _ in range(12):
            teller.look()
            house.poller(telegram).look()
            house.later(seconds=15)
    house.teller(Telegram(TOKEN, "http://127.0.0.1:9", timeout_s=0.5)).look()
    assert "401 Unauthorized /bot***" in caplog.text, "else the twin has not repeated it"
    assert secret not in caplog.text + repr(house.open()) + repr(house.rows("SELECT * FROM ems.notice_told"))
    assert secret not in repr(telegram)
