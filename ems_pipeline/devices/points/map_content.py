"""What a point map says, as text that can be kept and read back, and its short hash.

Files are edited, removed and replaced by new releases while what was told by them stands in the hardware. A hash names
everything but prose: who corrects a title has the same map.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import ValidationError

from ems_pipeline.devices.points.map_file import MapFileError
from ems_pipeline.devices.points.per_map import once_per_map
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.plain_text import plain

PROSE = {"title", "silence", "sources", "tried"}
POINT_PROSE = {"note", "silence", "labels", "verified"}
OF_THE_MODEL = ("type", "length")
"""What a SunSpec model says of its points; whoever reads a map refuses it beside one."""


def content(point_map: PointMap) -> str:
    """All of a map, as JSON; `from_content` makes the same map of it. What stands at its default is left out."""
    return _text(_document(point_map))


@once_per_map
def content_hash(point_map: PointMap) -> str:
    """Short hash of what a map says to machines; of two maps with the same one, either can take the other's place."""
    document = {key: value for key, value in _document(point_map).items() if key not in PROSE}
    document["points"] = [{k: v for k, v in p.items() if k not in POINT_PROSE} for p in document["points"]]
    return hashlib.sha256(_text(document).encode()).hexdigest()[:16]


def from_content(text: str) -> PointMap:
    """The map of a `content`.

    Raises:
        MapFileError: it is none that this release can read.
    """
    try:
        return PointMap.model_validate_json(text)
    except ValidationError as error:
        raise MapFileError(
            f"a point map that was kept cannot be read any more: {plain(error)}", "arm the site again"
        ) from error


def _document(point_map: PointMap) -> dict[str, Any]:
    document = point_map.model_dump(mode="json", exclude_defaults=True)
    document["points"] = [
        {k: v for k, v in p.items() if not ("model" in p and k in OF_THE_MODEL)} for p in document["points"]
    ]
    return document


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
