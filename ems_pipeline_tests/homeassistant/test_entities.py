"""What Home Assistant is told that there is: by its own table of keys, and by its own rules where units meet classes.

The table was made from the real package (`benchmarks/homeassistant_schema.py`, which also judges each message whole).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ems_pipeline.homeassistant.entities import EXPIRES_S, configs
from ems_pipeline.homeassistant.house import Asset, House
from ems_pipeline.homeassistant.telling import REPEAT
from ems_pipeline.sites.modes import MODES_OF
from ems_pipeline_tests.homeassistant.conftest import TOPICS, Told, publisher

KEYS: dict[str, list[str]] = json.loads(Path(__file__).with_name("keys.json").read_text(encoding="utf-8"))["keys"]
FITTING = {
    "power": ("W", "measurement"), "battery": ("%", "measurement"), "energy": ("kWh", "total_increasing"),
    "monetary": ("CZK", "total"), "timestamp": (None, None),
}  # fmt: skip
"""Unit and state class that go with a device class of a sensor."""
WHOLE = House(
    "home01", "Home", "CZK", "Europe/Prague",
    tuple(Asset(f"{kind}-1".replace("_", "-"), kind, has_device=True) for kind in MODES_OF),
    counters={("meter", "grid_import_wh"): 12.5},
)  # fmt: skip


def told(house: House = WHOLE, *, with_wishes: bool = True) -> dict[str, dict[str, Any]]:
    return {topic: json.loads(text) for topic, text in configs(house, TOPICS, with_wishes=with_wishes).items()}


def test_every_key_is_one_that_old_and_new_versions_take() -> None:
    for topic, config in told().items():
        assert set(config) <= set(KEYS[topic.split("/")[1]]), topic


def test_topics_and_ids_are_such_as_home_assistant_takes_and_no_two_are_alike() -> None:
    found = told()
    assert all(re.fullmatch(r"homeassistant/[a-z_]+/ems/[a-zA-Z0-9_-]+/config", topic) for topic in found)
    assert len({config["unique_id"] for config in found.values()}) == len(found) > 30


def test_units_go_with_their_classes() -> None:
    for config in told(with_wishes=False).values():
        kind = config.get("device_class")
        if kind in FITTING:
            assert (config.get("unit_of_measurement"), config.get("state_class")) == FITTING[kind], config


def test_every_state_expires_unless_it_is_repeated() -> None:
    assert all(config["expire_after"] == EXPIRES_S for config in told(with_wishes=False).values())
    assert 3 * REPEAT.total_seconds() <= EXPIRES_S


def test_what_is_available_needs_this_program_and_the_site() -> None:
    for config in told().values():
        assert [a["topic"] for a in config["availability"]] == ["ems/status", "ems/home01/status"]
        assert config["availability_mode"] == "all"


def test_a_site_shows_what_it_has() -> None:
    bare = House("hut", "Hut", "EUR", "Europe/Vienna", (Asset("roof", "pv", has_device=False),))
    names = {config["name"] for config in told(bare).values()}
    assert {"Grid power", "PV power", "House load"} <= names
    assert not names & {"Battery power", "State of charge", "Car charging", "roof: wish"}


def test_modes_are_offered_and_end_by_themselves() -> None:
    found = told()
    for kind, modes in MODES_OF.items():
        key = f"{kind}-1".replace("_", "-")
        assert found[f"homeassistant/select/ems/home01_{key}_mode/config"]["options"] == ["auto", *modes]
        assert found[f"homeassistant/number/ems/home01_{key}_minutes/config"]["max"] == 24 * 60


@pytest.mark.parametrize("config", [c for c in told().values() if "command_topic" in c], ids=lambda c: c["unique_id"])
def test_no_wish_is_ever_retained(config: dict[str, Any]) -> None:
    """Home Assistant retains what it says only where it is told to."""
    assert "retain" not in config


def test_without_the_opt_in_nothing_can_be_wished(house: Any, address: str) -> None:
    reader = Told(publisher(house, address, writes=False), house)
    reader.step()
    assert not [m for m in reader.said if b"command_topic" in m.payload]
    assert reader.last("homeassistant/sensor/ems/home01_grid_w/config")


def test_what_is_gone_is_taken_away(told: Told) -> None:
    from ems_pipeline.mqtt.client import Message

    of_before = "homeassistant/sensor/ems/home01_sold-battery_w/config"
    told.step(Message(of_before, b'{"name": "of before"}', is_retained=True))
    assert told.last(of_before) == ""
    assert told.last("homeassistant/sensor/ems/home01_grid_w/config")
