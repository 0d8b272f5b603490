"""Further sites like one there is: no two of them may name the same devices."""

from __future__ import annotations

import zlib
from typing import Any

from ems_pipeline.sites import Device, Site


def copy_of(site: Site, key: str, **changes: Any) -> Site:
    """The site under another key, with gateways of its own at which nobody answers."""
    number = zlib.crc32(key.encode())
    host = f"127.{number % 250 + 1}.{number // 250 % 250}.{number // 62_500 % 250}"
    gateways = tuple(g.model_copy(update={"host": host}) for g in site.gateways)
    return site.model_copy(update={"key": key, "gateways": gateways} | changes)


def metered(site: Site, *keys: str, **changes: Any) -> Site:
    """The site with a meter per key on its first gateway; ``changes`` are what names those meters."""
    meters = (
        Device(key=key, map="eastron-sdm630", gateway=site.gateways[0].key, unit_id=unit_id)
        for unit_id, key in enumerate(keys, 101)
    )
    return site.model_copy(update={"devices": (*site.devices, *meters)} | changes)
