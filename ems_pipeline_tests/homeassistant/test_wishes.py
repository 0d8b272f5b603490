"""What is said at the broker becomes a bounded wish of the token, once, or is refused by name; anybody may say it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ems_pipeline.homeassistant.wishes import MOST_A_MINUTE
from ems_pipeline.mqtt.client import Message
from ems_pipeline_tests.api.conftest import House
from ems_pipeline_tests.homeassistant.conftest import Told, publisher

pytestmark = pytest.mark.usefixtures("now_is_now")
LAST = "ems/home01/last-wish"
FILED = """SELECT asset_key, mode, limits, created_by, until_at, cancelled_at IS NULL FROM ems.control_override
           ORDER BY asset_key"""


@pytest.fixture
def desk(house: House, address: str, now_is_now: None) -> Told:
    """A publisher that has looked once, and a database without wishes."""
    house.rows("WITH gone AS (DELETE FROM ems.control_override RETURNING 1) SELECT count(*) FROM gone")
    found = Told(publisher(house, address), house)
    found.step()
    return found


def wish(asset: str, what: str, said: str | bytes, **more: Any) -> Message:
    return Message(f"ems/home01/{asset}/{what}/set", said.encode() if isinstance(said, str) else said, **more)


def filed(told: Told) -> list[tuple[Any, ...]]:
    """Asset, mode, limits, by whom, how long from now, whether it stands."""
    rows = told.house.rows(FILED)
    return [(*row[:4], row[4] - told.house.clock.at, row[5]) for row in rows]


def test_a_mode_becomes_an_override_of_the_token_that_ends(desk: Told) -> None:
    desk.step(wish("pack", "amount", "3000"))
    desk.step(wish("pack", "minutes", "30"))
    assert filed(desk) == [], "what is set beside a mode is no wish"
    desk.step(wish("pack", "mode", "charge"))
    ((asset, mode, limits, who, span, holds),) = filed(desk)
    assert (asset, mode, limits, span, holds) == (
        "pack",
        "charge",
        {"charge_limit_w": 3000},
        timedelta(minutes=30),
        True,
    )
    assert who == f"web:token:program:{desk.publisher._api.number}"
    assert "pack: charge until" in (desk.last(LAST) or "")
    desk.wait(seconds=20)
    desk.step()
    assert json.loads(desk.last("ems/home01/state") or "")["wishes"]["pack"] == {
        "mode": "charge", "amount": 3000, "minutes": 30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asset", "mode", "amount", "limits"),
    [
        ("pack", "discharge", "2500", {"discharge_limit_w": 2500}),
        ("pack", "self-use", "2500", {}),
        ("car-1", "charge", "10", {"current_a": 10}),
        ("car-1", "off", "10", {}),
        ("heating", "forced", "2000", {"power_limit_w": 2000}),
        ("heating", "blocked", "2000", {}),
        ("roof-south", "curtail", "1500", {"pv_limit_w": 1500}),
    ],
)
def test_an_amount_is_the_limit_that_its_mode_has(
    desk: Told, asset: str, mode: str, amount: str, limits: dict[str, float]
) -> None:
    desk.step(wish(asset, "amount", amount), wish(asset, "mode", mode))
    assert [row[:3] for row in filed(desk)] == [(asset, mode, limits)]


def test_without_an_amount_a_wish_names_no_limit_and_lasts_an_hour(desk: Told) -> None:
    desk.step(wish("pack", "mode", "charge"))
    ((_, _, limits, _, span, _),) = filed(desk)
    assert (limits, span) == ({}, timedelta(hours=1))


REFUSED = [
    (wish("pack", "mode", "explode"), "'explode' is none of auto, self-use, hold, charge, discharge"),
    (wish("pack", "mode", "CHARGE"), "none of"),
    (wish("pack", "mode", ""), "none of"),
    (wish("pack", "mode", b"\xff\xfe"), "it is no text"),
    (wish("pack", "mode", "x" * 41), "41 bytes, which is too much"),
    (wish("pack", "arm", "1"), "none of what is offered"),
    (wish("pack", "hand-back", "1"), "none of what is offered"),
    (wish("nothing", "mode", "charge"), "home01 has no asset 'nothing'"),
    (wish("pack", "amount", "-1"), "'-1' is no number from 0 to 100000"),
    (wish("pack", "amount", "nan"), "'nan' is no number"),
    (wish("pack", "amount", "1e9"), "'1e9' is no number"),
    (wish("car-1", "amount", "3000"), "is no number from 0 to 80"),
    (wish("pack", "minutes", "100000"), "is no number from 5 to 1440"),
    (wish("pack", "minutes", "0"), "is no number from 5 to 1440"),
    (wish("roof-south", "mode", "curtail"), "curtail to what?"),
    (wish("pack", "mode", "charge", is_retained=True), "it was retained"),
]


@pytest.mark.parametrize(("message", "why"), REFUSED, ids=[why[:30] for _, why in REFUSED])
def test_what_is_no_wish_is_refused_by_name_and_files_nothing(desk: Told, message: Message, why: str) -> None:
    desk.step(message)
    assert filed(desk) == []
    assert why in (desk.last(LAST) or "")
    assert "refused: " in (desk.last(LAST) or "")


@pytest.mark.parametrize(
    "topic", ["ems/elsewhere/pack/mode/set", "ems/home02/pack/mode/set", "ems/x", "ems/home01//mode/set"]
)
def test_what_is_meant_for_no_site_of_the_token_does_nothing(desk: Told, topic: str) -> None:
    """home02 exists; the token is for home01 alone."""
    desk.step(Message(topic, b"charge"))
    assert filed(desk) == []


def test_what_waited_may_be_old_and_is_not_done(desk: Told) -> None:
    desk.step(wish("pack", "mode", "charge"), is_late=True)
    assert filed(desk) == []
    assert "it waited while this program was busy" in (desk.last(LAST) or "")


def test_a_wish_that_is_repeated_counts_once(desk: Told) -> None:
    desk.step(wish("pack", "mode", "charge"), wish("pack", "mode", "charge"))
    desk.step(wish("pack", "mode", "charge", is_again=True))
    desk.wait(seconds=1)
    desk.step(wish("pack", "mode", "charge"))
    assert len(filed(desk)) == 1


def test_a_flood_is_refused_and_goes_on_after_a_minute(desk: Told) -> None:
    desk.step(*(wish("pack", "minutes", str(5 + i)) for i in range(30)))
    assert "more than 10 wishes in a minute" in (desk.last(LAST) or "")
    assert desk.publisher.desk.panel.of("home01", "pack").minutes == 5 + MOST_A_MINUTE - 1
    desk.wait(seconds=61)
    desk.step(wish("pack", "mode", "hold"))
    assert [row[:2] for row in filed(desk)] == [("pack", "hold")]


@pytest.mark.parametrize("back", [wish("pack", "mode", "auto"), wish("pack", "hand-back", "PRESS")])
def test_handing_back_ends_our_own_wishes_of_that_asset_alone(desk: Told, back: Message) -> None:
    otto = desk.house.login("otto")
    soon = {"asset": "pack", "mode": "self-use", "duration_minutes": 60}
    assert otto.post("/api/v1/sites/home01/overrides", json=soon).status_code == 202
    desk.step(wish("pack", "mode", "charge"), wish("heating", "mode", "blocked"))
    desk.wait(seconds=5)
    desk.step(back)
    standing = {(mode, who.split(":")[1]) for _, mode, _, who, _, holds in filed(desk) if holds}
    assert standing == {("self-use", "otto"), ("blocked", "token")}
    assert "wishes of ours taken back: 1" in (desk.last(LAST) or "")


def test_a_token_without_the_right_wishes_nothing(house: House, address: str) -> None:
    house.rows("WITH gone AS (DELETE FROM ems.control_override RETURNING 1) SELECT count(*) FROM gone")
    reader = publisher(house, address, writes=False)
    reader._wants_wishes = True  # as EMS_MQTT_COMMANDS=1 with the token of a reader
    told = Told(reader, house)
    told.step()
    told.step(wish("pack", "mode", "charge"))
    assert filed(told) == []
    assert "the token lacks overrides:write" in reader._fault


def test_what_the_database_refuses_is_told_in_its_words(desk: Told) -> None:
    desk.house.rows(
        "WITH off AS (UPDATE ems.site SET is_active = false WHERE site_key = 'home01' RETURNING 1) SELECT 1"
    )
    try:
        desk.step(wish("pack", "mode", "charge"))
    finally:
        desk.house.rows(
            "WITH on_ AS (UPDATE ems.site SET is_active = true WHERE site_key = 'home01' RETURNING 1) SELECT 1"
        )
    assert filed(desk) == []
    assert "no active site home01 has an asset pack" in (desk.last(LAST) or "")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["ems", "home01", "pack", "mode", "set", "", "#", "arm"]), min_size=1, max_size=6),
    st.binary(max_size=60),
)
def test_nothing_that_can_be_said_arms_or_stops_the_process(desk: Told, words: list[str], payload: bytes) -> None:
    before = desk.house.rows("SELECT count(*) FROM ems.control_arm")
    desk.step(Message("/".join(["ems", *words]), payload))
    assert desk.house.rows("SELECT count(*) FROM ems.control_arm") == before
    desk.wait(seconds=7)
