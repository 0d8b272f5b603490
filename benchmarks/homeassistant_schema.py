"""What we tell Home Assistant, against its own schemas: of whatever version is installed beside us.

    python benchmarks/homeassistant_schema.py payloads FILE    # with our Python: what the demo's home is told as
    THEIRS benchmarks/homeassistant_schema.py check FILE       # with a Python that has homeassistant and paho-mqtt
    THEIRS benchmarks/homeassistant_schema.py keys             # what it takes: homeassistant/keys.json of the tests

`homeassistant` is no dependency of ours: install it into an environment of its own (2024.3.3 is the last that Python
3.11 takes; 2026.11 wants 3.14). `check` ends with 1 where a message is refused, or has a key that would be ignored.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

COMPONENTS = ("sensor", "binary_sensor", "select", "number", "button")


def main() -> int:
    """One of the three."""
    match sys.argv[1:]:
        case ["payloads", file]:
            Path(file).write_text(json.dumps(payloads(), indent=1, ensure_ascii=False), encoding="utf-8")
            return 0
        case ["check", file]:
            return asyncio.run(check(json.loads(Path(file).read_text(encoding="utf-8"))))
        case ["keys"]:
            print(json.dumps({"version": version(), "keys": {c: keys(schema(c)) for c in COMPONENTS}}, indent=1))
            return 0
    print(__doc__)
    return 2


def payloads() -> dict[str, str]:
    """Every entity of the demo's home with a genset and counters, by topic."""
    from ems_pipeline.homeassistant.entities import Topics, configs
    from ems_pipeline.homeassistant.house import COUNTERS, Asset, House

    kinds = {"pack": "batteries", "roof": "pv", "car-1": "chargers", "heating": "heat_pumps", "diesel": "gensets"}
    assets = tuple(Asset(key, kind, has_device=True) for key, kind in kinds.items())
    counters = {("inverter", quantity): 1.0 for quantity in COUNTERS}
    house = House("home01", "Chata u řeky", "CZK", "Europe/Prague", assets, counters=counters)
    return configs(house, Topics("ems", "homeassistant"), with_wishes=True)


def version() -> str:
    """Of the installed one."""
    return str(importlib.import_module("homeassistant.const").__version__)


def schema(component: str) -> Any:
    """By which its MQTT integration judges what it discovers."""
    return importlib.import_module(f"homeassistant.components.mqtt.{component}").DISCOVERY_SCHEMA


def keys(found: Any) -> list[str]:
    """The keys that a schema names; those beside them are dropped without a word."""
    inner = next((part for part in getattr(found, "validators", ()) if hasattr(part, "schema")), found)
    return sorted(str(key) for key in inner.schema)


async def check(told: dict[str, str]) -> int:
    """Each message by the schema of its component; templates are judged where a Home Assistant is at hand."""
    importlib.import_module("homeassistant.core").HomeAssistant(tempfile.gettempdir())
    faults = 0
    for topic, text in told.items():
        component = topic.split("/")[1]
        found, config = schema(component), json.loads(text)
        ignored = sorted(set(config) - set(keys(found)))
        try:
            found(config)
        except Exception as error:  # of whichever library judges in this version
            print(f"{topic}: refused: {error}")
            faults += 1
        if ignored:
            print(f"{topic}: ignored: {', '.join(ignored)}")
            faults += 1
    print(f"homeassistant {version()}: {len(told)} messages, {faults} refused or with keys that are ignored")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
