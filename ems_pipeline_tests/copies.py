"""Further sites like one there is: no two of them may name the same devices."""

from __future__ import annotations

import zlib
from typing import Any

from ems_pipeline.sites import Site


def copy_of(site: Site, key: str, **changes: Any) -> Site:
    """The site under another key, with gateways of its own at which nobody answers."""
    number = zlib.crc32(key.encode())
    host = f"127.{number % 250 + 1}.{number // 250 % 250}.{number // 62_500 % 250}"
    gateways = tuple(g.model_copy(update={"host": host}) for g in site.gateways)
    return site.model_copy(update={"key": key, "gateways": gateways} | changes)
