"""A site with one set and one switchboard, as a file would describe it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ems_pipeline.sites import Site

SITE = {
    "key": "hall", "name": "Hall", "timezone": "Europe/Prague", "latitude": 50.1, "longitude": 14.4,
    "market_zone": "CZ", "currency": "CZK",
}  # fmt: skip
Hall = Callable[..., Site]


@pytest.fixture
def hall(home01: Site) -> Hall:
    """Make the site with its set at a port."""

    def made(port: int, mains_sign: int = 1, **device: object) -> Site:
        set_1 = {"key": "set-1", "map": "smartgen-hgm9520n", "gateway": "set-1", **device}
        told = {
            **SITE,
            "grid": home01.grid.model_dump(),
            "tariff": home01.tariff.model_dump(),
            "gateways": [
                {"key": "set-1", "transport": "modbus-tcp", "host": "127.0.0.1", "port": port, "timeout_s": 0.3}
            ],
            "devices": [set_1],
            "gensets": [
                {"key": "g1", "device": "set-1", "min_power_w": 80_000, "max_power_w": 160_000, "start_cost": 90,
                 "fuel_per_kwh": 3.1}
            ],
            "switchboards": [{"key": "board", "device": "set-1", "gensets": ["g1"], "mains_sign": mains_sign}],
        }  # fmt: skip
        return Site.model_validate(told)

    return made
