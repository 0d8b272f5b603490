"""Names of what belongs to a site: ``home01.pack`` is the battery ``pack`` of ``home01``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Caller
from ems_pipeline.plain_text import plain
from ems_pipeline.sites.record import KEY_PATTERN

PART = rf"{KEY_PATTERN[:-1]}\.{KEY_PATTERN[1:]}"
PartId = Annotated[
    str,
    StringConstraints(pattern=PART, max_length=130),
    Field(description="`site.key`, as its list tells it.", examples=["home01.pack"]),
]
"""``site.key`` of a battery or a device; neither key holds a dot."""


def split(part_id: str, caller: Caller) -> tuple[str, str]:
    """Site and key. Problem 404 where the site does not exist for the caller."""
    site, _, key = part_id.partition(".")
    return caller.site(site), key


def unknown(kind: str, part_id: str) -> Problem:
    """There is no such part."""
    detail = f"there is no {kind} {plain(part_id, 130)}"
    return Problem(
        404, f"{kind}_unknown", f"The {kind} is not known", detail, "ids are site.key, as the list tells them"
    )
