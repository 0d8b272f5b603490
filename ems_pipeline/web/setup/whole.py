"""The sixth step: the document that the site file will say, in shadow, and what is wrong with it."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site, channel
from ems_pipeline.sites.faults import listed
from ems_pipeline.web.setup.draft import Draft

PARTS = ("place", "find", "energy", "contract")
"""Of a draft, those that say something in the document; each has it under ``meant``."""


def missing(draft: Draft) -> list[str]:
    """Steps that say nothing yet."""
    return [name for name in PARTS if not draft.get(name, {}).get("meant")]


def document(draft: Draft) -> dict[str, Any]:
    """All that was entered, as the file will say it; nothing of it is steered."""
    said = {name: draft.get(name, {}).get("meant") or {} for name in PARTS}
    tariff = {"tariff": said["contract"]} if said["contract"] else {}
    parts = {name: part for name, part in (said["energy"] | said["find"]).items() if part}
    return {**said["place"], **tariff, **parts, "control": {"enabled": False}}


def faults(wanted: dict[str, Any]) -> tuple[Site | None, list[str]]:
    """The site that a document is, if it is one, and what is wrong with it: what the loader says, and what may not come
    this way. Maps are looked at where it is written."""
    try:
        site = Site.model_validate(wanted)
    except ValidationError as error:
        return None, [plain(text, 300) for text in listed(wanted, error)]
    return site, channel.forbidden(None, site, is_armed=False, brings_devices=True)
