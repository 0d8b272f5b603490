"""What Home Assistant is told that there is: a device for each site, an entity for each thing known or wished of it.

One retained message for each entity: versions before November 2024 understand nothing else, and newer ones still do.
Keys are written out, as its documentation has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ems_pipeline import __version__
from ems_pipeline.homeassistant import dials
from ems_pipeline.homeassistant.house import COUNTERS, Asset, House
from ems_pipeline.plain_text import plain

EXPIRES_S = 180
"""A state that nobody has repeated for so long is unknown: three times as long as we may be silent."""
LONGEST_NAME = 60
POWER = {"device_class": "power", "state_class": "measurement", "unit_of_measurement": "W"}
POWERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "grid": ("Grid power", ()),
    "load": ("House load", ()),
    "pv": ("PV power", ("pv",)),
    "battery": ("Battery power", ("batteries",)),
    "ev": ("Car charging", ("chargers",)),
    "heat_pump": ("Heat pump power", ("heat_pumps",)),
    "genset": ("Genset power", ("gensets",)),
}
"""Of the bus: name, and the kinds of which a site must have one; signs as everywhere (docs/glossary.md)."""


@dataclass(frozen=True)
class Topics:
    """Where things are said."""

    prefix: str
    discovery: str

    @property
    def status(self) -> str:
        """Whether we are there at all."""
        return f"{self.prefix}/status"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.discovery}/status"

    @property
    def configs(self) -> str:
        """Every entity of ours, as a filter."""
        return f"{self.discovery}/+/{self.prefix}/+/config"

    @property
    def wishes(self) -> str:
        """Everything that is wished, as a filter."""
        return f"{self.prefix}/+/+/+/set"

    def site_status(self, site: str) -> str:
        return f"{self.prefix}/{site}/status"

    def last_wish(self, site: str) -> str:
        return f"{self.prefix}/{site}/last-wish"

    def state(self, site: str) -> str:
        return f"{self.prefix}/{site}/state"

    def prices(self, site: str) -> str:
        return f"{self.prefix}/{site}/prices"

    def wish(self, site: str, asset: str, what: str) -> str:
        return f"{self.prefix}/{site}/{asset}/{what}/set"

    def config(self, component: str, entity: str) -> str:
        return f"{self.discovery}/{component}/{self.prefix}/{entity}/config"


def configs(house: House, topics: Topics, *, with_wishes: bool) -> dict[str, str]:
    """The messages that tell of a site's entities, by topic."""
    shared = _shared(house, topics)
    found = [*_sensors(house, topics), *(_wishes(house, topics) if with_wishes else ())]
    said = {}
    for component, key, config in found:
        entity = f"{house.key}_{key}"
        whole = {"unique_id": f"{topics.prefix}_{entity}", **shared, **config}
        said[topics.config(component, entity)] = json.dumps(whole, ensure_ascii=False, sort_keys=True)
    return said


def _shared(house: House, topics: Topics) -> dict[str, Any]:
    device = {
        "identifiers": [f"{topics.prefix}_{house.key}"],
        "name": plain(house.name, LONGEST_NAME),
        "manufacturer": "ems-pipeline",
        "model": "Energy management",
        "sw_version": __version__,
    }
    return {
        "availability": [{"topic": topics.status}, {"topic": topics.site_status(house.key)}],
        "availability_mode": "all",
        "device": device,
        "origin": {"name": "ems-pipeline", "sw_version": __version__},
    }


Config = tuple[str, str, dict[str, Any]]
"""Component, key, and what is said of it beside what all entities share."""


def _sensors(house: House, topics: Topics) -> Iterator[Config]:
    state = topics.state(house.key)

    def sensor(key: str, name: str, component: str = "sensor", **more: Any) -> Config:
        said = {"name": name, "state_topic": state, "value_template": f"{{{{ value_json.{key} }}}}"}
        return component, key, {**said, "expire_after": EXPIRES_S, **more}

    for key, (name, kinds) in POWERS.items():
        if not kinds or house.has(*kinds):
            yield sensor(f"{key}_w", name, **POWER)
    if house.has("batteries"):
        charge = {"device_class": "battery", "state_class": "measurement", "unit_of_measurement": "%"}
        yield sensor("soc_pct", "State of charge", **charge)
    yield sensor("mode", "Plan", icon="mdi:calendar-clock")
    yield sensor("reason", "Reason of the plan", icon="mdi:comment-question-outline")
    yield sensor("until", "Plan until", device_class="timestamp")
    yield sensor("next_mode", "Plan afterwards", icon="mdi:calendar-arrow-right")
    price = {"unit_of_measurement": f"{house.currency}/kWh", "icon": "mdi:cash", "state_class": "measurement"}
    yield sensor("buy_per_kwh", "Price", **price, json_attributes_topic=topics.prices(house.key))
    yield sensor("sell_per_kwh", "Price for selling", **price)
    money = {"device_class": "monetary", "unit_of_measurement": house.currency, "state_class": "total"}
    since = {"last_reset_value_template": "{{ value_json.day_at }}"}
    yield sensor("cost_today", "Cost today", **money, **since)
    yield sensor("saved_today", "Saved today by the battery", **money, **since)
    yield sensor("alarms", "Alarms", state_class="measurement", icon="mdi:bell-outline")
    yield sensor("gravest_alarm", "Gravest alarm", icon="mdi:bell-alert-outline")
    yield sensor("problem", "Problem", "binary_sensor", device_class="problem")
    yield sensor("authority", "Control", icon="mdi:shield-key-outline")
    for device, quantity in sorted(house.counters):
        yield _counter(state, device, quantity)


def _counter(state: str, device: str, quantity: str) -> Config:
    return "sensor", f"{device}_{quantity}", {
        "name": f"{COUNTERS[quantity]} ({device})",
        "state_topic": state,
        "value_template": f"{{{{ value_json.counters['{device}']['{quantity}'] }}}}",
        "expire_after": EXPIRES_S,
        "device_class": "energy",
        "state_class": "total_increasing",
        "unit_of_measurement": "kWh",
    }  # fmt: skip


def _wishes(house: House, topics: Topics) -> Iterator[Config]:
    for asset in dials.steerable(house):
        yield from _panel(house.key, asset, topics)
    last = {"name": "Last wish", "state_topic": topics.last_wish(house.key), "icon": "mdi:message-check-outline"}
    yield "sensor", "last_wish", last


def _panel(site: str, asset: Asset, topics: Topics) -> Iterator[Config]:
    def control(component: str, what: str, name: str, **more: Any) -> Config:
        said: dict[str, Any] = {"name": f"{asset.key}: {name}", "command_topic": topics.wish(site, asset.key, what)}
        if component != "button":
            at = f"value_json.wishes['{asset.key}'].{what}"
            said |= {"state_topic": topics.state(site), "value_template": f"{{{{ {at} }}}}"}
        return component, f"{asset.key}_{what.replace('-', '_')}", {**said, **more}

    yield control("select", "mode", "wish", options=dials.modes(asset), icon="mdi:gesture-tap")
    amount = (
        {"max": dials.LARGEST_A, "step": 1, "unit_of_measurement": "A", "device_class": "current"}
        if dials.has_current(asset)
        else {"max": dials.LARGEST_W, "step": 1, "unit_of_measurement": "W", "device_class": "power"}
    )
    yield control("number", "amount", "how much", min=0, mode="box", **amount)
    span = {"min": dials.SHORTEST_MIN, "max": dials.LONGEST_MIN, "step": 5, "unit_of_measurement": "min"}
    yield control("number", "minutes", "how long", mode="box", icon="mdi:timer-outline", **span)
    yield control("button", "hand-back", "hand back", icon="mdi:undo")
