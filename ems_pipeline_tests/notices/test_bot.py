"""A code from the machine binds a chat once, and a wish counts once its button is pressed, by whom it was asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from ems_pipeline.notices.bot import STRANGER
from ems_pipeline.notices.polling import Poller
from ems_pipeline.notify.choice import Wishes
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plant.telegram_twin import TelegramTwin
from ems_pipeline.time_grid import zone
from ems_pipeline.warehouse import channels
from ems_pipeline_tests.notices.conftest import House

ANNA, BERT, GROUP = 101, 102, -100
FILED = "SELECT asset_key, mode, limits::text, created_by FROM ems.control_override"


@pytest.fixture
def house(house: House) -> House:
    """Codes and buttons end by the database's clock."""
    ((now,),) = house.rows("SELECT now()")
    assert isinstance(now, datetime)
    house.clock.at = now
    return house


@pytest.fixture
def poller(house: House, telegram: Telegram) -> Poller:
    return house.poller(telegram)


def code(house: House, person: str = "anna") -> str:
    with house.warehouse.begin() as connection:
        return channels.make_code(connection, person, "test", house.now())


def listen(house: House, poller: Poller, times: int = 4) -> None:
    for _ in range(times):
        poller.look()
        house.later(seconds=3)


def said(
    house: House, twin: TelegramTwin, poller: Poller, text: str, chat: int = ANNA, user: int | None = None
) -> list[str]:
    """What the bot answers."""
    before = len(twin.texts(chat))
    twin.say(chat, text, user)
    listen(house, poller)
    return twin.texts(chat)[before:]


def pressed(
    house: House, twin: TelegramTwin, poller: Poller, data: str, chat: int = ANNA, user: int | None = None
) -> str:
    """What the bot answers the button."""
    twin.press(chat, data, user)
    listen(house, poller)
    return str([parameters for method, parameters in twin.calls if method == "answerCallbackQuery"][-1]["text"])


def test_a_code_binds_the_chat_it_is_sent_from_once(house: House, twin: TelegramTwin, poller: Poller) -> None:
    house.person("anna")
    word = code(house)
    (welcome,) = said(house, twin, poller, f"/start {word}")
    assert welcome.startswith("This chat is bound to anna.")
    assert house.rows("SELECT person, kind, address, telegram_user, language FROM ems.notice_channel") == [
        ("anna", "telegram", "101", "101", "cs")
    ]
    assert said(house, twin, poller, f"/start {word}", BERT) == [STRANGER], "it is used"
    assert word not in repr(house.rows("SELECT * FROM ems.notice_code")), "and stored nowhere"


def test_a_wrong_a_late_or_a_replaced_code_is_worth_nothing_and_not_told_apart(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    replaced, late = code(house), code(house)
    house.change("UPDATE ems.notice_code SET expires_at = now() WHERE used_at IS NULL")
    for number, word in enumerate((replaced, late, "wrong", "x" * 300, "\N{FIRE}", "' OR 1=1")):
        assert said(house, twin, poller, f"/start {word}", 200 + number) == [STRANGER]
    assert house.rows("SELECT * FROM ems.notice_channel") == []


def test_a_stranger_is_answered_once_an_hour_and_learns_nothing(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    asked = ("/status", "/alarms", "/charge home01 2h", "hello", "/help")
    assert [answer for text in asked for answer in said(house, twin, poller, text, BERT)] == [STRANGER]
    house.later(hours=1)
    assert said(house, twin, poller, "/status", BERT) == [STRANGER]


def test_a_wish_is_repeated_in_words_and_filed_once_when_its_button_is_pressed(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna", "operator")
    house.chat("anna", ANNA)
    asked_at = house.now()
    (repeated,) = said(house, twin, poller, "/charge home01 2h 2000")
    assert "pack of home01: charge charge_limit_w=2000" in repeated
    until = (asked_at + timedelta(hours=2)).astimezone(zone("Europe/Prague"))
    assert f"until {until:%a %d %b %H:%M} there." in repeated
    assert house.rows(FILED) == [], "until then nothing has happened"
    button = twin.button(ANNA)
    assert pressed(house, twin, poller, button).startswith("Done: override ")
    assert pressed(house, twin, poller, button).startswith("It was done already: override ")
    assert house.rows(FILED) == [("pack", "charge", '{"charge_limit_w": 2000.0}', "telegram:anna")]


def test_a_button_pressed_late_elsewhere_or_by_others_does_nothing(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.person("bert")
    house.chat("anna", ANNA)
    house.chat("bert", BERT)
    house.chat("anna", GROUP)
    said(house, twin, poller, "/hold home01 1h")
    mine = twin.button(ANNA)
    assert pressed(house, twin, poller, mine, BERT) == "This button is not yours."
    assert pressed(house, twin, poller, mine, ANNA, user=BERT) == "This button is not yours."
    assert pressed(house, twin, poller, mine, GROUP, user=ANNA) == "This button is not yours.", "not in another chat"
    said(house, twin, poller, "/hold home01 1h", GROUP, user=100)
    assert pressed(house, twin, poller, twin.button(GROUP), GROUP, user=BERT) == "This button is not yours."
    for guess in ("confirm:", "confirm:' OR 1=1", "x" * 64, ""):
        assert pressed(house, twin, poller, guess) == "This button is not yours."
    house.change("UPDATE ems.notice_wish SET expires_at = now()")
    assert pressed(house, twin, poller, mine).startswith("Too late")
    assert house.rows(FILED) == []


def test_only_whoever_bound_a_group_wishes_there(house: House, twin: TelegramTwin, poller: Poller) -> None:
    house.person("anna")
    house.chat("anna", GROUP)
    assert said(house, twin, poller, "/hold home01 1h", GROUP, user=BERT) == [
        "wishes are taken only from whoever bound this chat; /help says what can be asked"
    ]
    assert said(house, twin, poller, "what a day", GROUP, user=BERT) == [], "people talk to each other"


@pytest.mark.parametrize(
    ("role", "sites", "wish", "why"),
    [
        ("viewer", None, "/hold home01 1h", "anna (viewer) may look and not ask for anything"),
        ("analyst", None, "/release home01", "anna (analyst) may look and not ask for anything"),
        ("owner", ("home02",), "/hold home01 1h", "there is no site 'home01' for you"),
        ("owner", None, "/hold home99 1h", "there is no site 'home99' for you"),
        ("owner", None, "/hold home01 cellar 1h", "no active site home01 has an asset cellar"),
        ("owner", None, "/hold home01 200h", "more than a week away"),
        ("owner", None, "/override home01 pack fly 1h", "mode fly is none of"),
        ("owner", None, "/override home01 pack hold 1h warp=9", "pack has no limits but"),
        ("owner", None, "/charge home01", "for how long?"),
        ("owner", None, "/charge home01 soon", "for how long?"),
        ("owner", None, "/charge home01 2h -5", "no power such as"),
        ("owner", None, "/charge home01 2h 5 6", "what is '6'?"),
        ("owner", None, "/release home01 now", "takes a site and nothing else"),
        ("owner", None, "/arm home01", "A wish counts once its button is pressed"),
        ("owner", None, "/enable home01", "A wish counts once its button is pressed"),
    ],
)  # fmt: skip
def test_a_wish_that_nobody_may_have_or_that_cannot_be_gets_a_reason_and_no_button(
    house: House, twin: TelegramTwin, poller: Poller, role: str, sites: tuple[str, ...] | None, wish: str, why: str
) -> None:
    house.person("anna", role, sites)
    house.chat("anna", ANNA)
    (answer,) = said(house, twin, poller, wish)
    assert why in answer
    assert not any(message.get("reply_markup") for message in twin.messages)
    assert house.rows("SELECT * FROM ems.notice_wish") == []


def test_who_lost_the_right_between_wish_and_button_gets_nothing(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    said(house, twin, poller, "/hold home01 1h")
    house.change("UPDATE ems.person SET role = 'viewer'")
    assert "may look and not ask" in pressed(house, twin, poller, twin.button(ANNA))
    assert house.rows(FILED) == []


def test_a_release_is_the_request_that_everybody_else_files(house: House, twin: TelegramTwin, poller: Poller) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    (repeated,) = said(house, twin, poller, "/release home01")
    assert repeated.startswith("Release home01: its devices are handed back to their own logic.")
    assert pressed(house, twin, poller, twin.button(ANNA)).startswith("Done: request ")
    assert house.rows("SELECT kind, site_key, requested_by FROM ems.request") == [
        ("release", "home01", "telegram:anna")
    ]
    assert house.rows("SELECT * FROM ems.control_arm") == []


def test_updates_that_are_told_again_are_read_once_also_after_a_restart(
    house: House, twin: TelegramTwin, telegram: Telegram
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    twin.faults.add("again")
    twin.say(ANNA, "/hold home01 1h")
    for _ in range(3):
        listen(house, house.poller(telegram))
    assert len(twin.texts(ANNA)) == 1
    twin.press(ANNA, twin.button(ANNA))
    for _ in range(3):
        listen(house, house.poller(telegram))
    assert len(house.rows(FILED)) == 1


NONSENSE: list[dict[str, object]] = [
    {}, {"message": None}, {"message": 5}, {"message": {"chat": {}}}, {"message": {"from": {"id": 1}}},
    {"message": {"from": {"id": "x"}, "chat": {"id": 1}}}, {"callback_query": {}}, {"callback_query": {"id": 1}},
    {"message": {"from": {"id": 101}, "chat": {"id": 101}, "text": "/hold \x00 1h"}},
    {"message": {"from": {"id": 101}, "chat": {"id": 101}, "text": "/start \x00"}},
    {"message": {"from": {"id": 101}, "chat": {"id": 101}, "text": {"a": 1}}},
    {"message": {"from": {"id": 10**80}, "chat": {"id": 10**80}, "text": "/status"}},
    {"callback_query": {"id": 1, "from": {"id": 101}, "data": "\x00", "message": {"message_id": 1, "chat": {"id": 1}}}},
]  # fmt: skip


def test_an_update_that_is_none_is_passed_over_and_holds_up_no_other(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    for update in NONSENSE:
        twin._told(dict(update))
    assert any("no alarm is open" in answer for answer in said(house, twin, poller, "/status home01"))


def test_status_says_what_is_known_and_never_zero_for_what_is_not(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.chat("anna", ANNA, Wishes(sites=frozenset({"home01"})))
    house.alarm("a", "critical")
    (answer,) = said(house, twin, poller, "/status")
    assert answer.splitlines()[1:] == [
        "charge: unknown, nothing was measured lately",
        "price: unknown",
        "plan: none holds now",
        "alarm: critical home01 a: so it is",
    ]
    assert answer.splitlines()[0].endswith(": not armed, nothing is written")
    assert said(house, twin, poller, "/alarms") == ["critical home01 a: so it is"]
    (refused,) = said(house, twin, poller, "/status home02")
    assert refused == "there is no site 'home02' for you; there are home01"


def test_a_long_answer_comes_in_parts_and_at_the_pace_of_the_service(
    house: House, twin: TelegramTwin, poller: Poller
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    for number in range(30):
        house.alarm(f"k{number:02}", text="x" * 500)
    twin.say(ANNA, "/alarms")
    for _ in range(8):
        poller.look()
        house.later(seconds=1)
    assert sum(text.count("warning home01") for text in twin.texts(ANNA)) == 30
    assert len(twin.texts(ANNA)) == 5, "seven lines of 520 characters go into 4096"
    assert [method for method, _ in twin.calls].count("sendMessage") == 5, "none was refused"


@pytest.mark.parametrize("fault", ["two-listeners", "wrong-token", "broken"])
def test_a_bot_that_is_not_heard_is_an_alarm_until_it_is(
    house: House, twin: TelegramTwin, poller: Poller, fault: str
) -> None:
    house.person("anna")
    house.chat("anna", ANNA)
    twin.faults.add(fault)
    for _ in range(12):
        poller.look()
        house.later(seconds=15)
    assert house.open()["notices-telegram-bot"].startswith("wishes and questions are not heard since")
    twin.faults.clear()
    twin.say(ANNA, "/status home01")
    for _ in range(20):
        poller.look()
        house.later(seconds=15)
    assert house.open() == {}
    assert twin.texts(ANNA), "what was said meanwhile is answered"


BEYOND = [
    "SELECT password_hash FROM ems.person",
    "UPDATE ems.person SET role = 'owner'",
    "INSERT INTO ems.notice_channel (person, kind, address, telegram_user, bound_at) "
    "VALUES ('a', 'telegram', '1', '1', now())",
    "UPDATE ems.notice_channel SET person = 'anna'",
    "UPDATE ems.notice_channel SET telegram_user = '1'",
    "DELETE FROM ems.notice_channel",
    "SELECT code_hash FROM ems.notice_code",
    "INSERT INTO ems.notice_code VALUES ('x', 'anna', now(), 'x', now() + interval '1 day')",
    "UPDATE ems.notice_wish SET confirmed_at = NULL",
    "SELECT nonce_hash FROM ems.notice_wish",
    "SELECT ems.fn_override_add('home01', 'pack', 'hold', now() + interval '1 hour')",
    "SELECT ems.fn_wish_file(1, 'home01', NULL, NULL, '{}', NULL)",
    "SELECT ems.fn_request_add('release', 'home01')",
    "SELECT ems.fn_disarm('home01')",
    "INSERT INTO ems.control_arm (site_key, armed_at, armed_by, until_at) VALUES ('home01', now(), 'x', 'infinity')",
    "INSERT INTO ems.control_override (site_key, asset_key, mode, from_at, until_at, created_at, created_by) "
    "VALUES ('home01', 'pack', 'hold', now(), now() + interval '1 hour', now(), 'x')",
    "DELETE FROM ems.alarm",
    "UPDATE ems.alarm SET acknowledged_at = now()",
    "SET ROLE ems_service",
    "SET ROLE ems_writer",
]


def test_the_login_that_reads_what_strangers_write_can_file_nothing_but_a_confirmed_wish(house: House) -> None:
    with house.own.engine.connect() as connection:
        for statement in BEYOND:
            with pytest.raises(sa.exc.DBAPIError, match="permission denied"), connection.begin_nested():
                connection.exec_driver_sql(statement)
        connection.rollback()
