"""The faults pydantic finds in a site file, in the words of a site owner: where, what stands there, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from ems_pipeline.plain_text import nearest, plain
from ems_pipeline.sites.site import Site

UNITS = {"_kw": ("_w", "1 kW = 1000 W"), "_kwh": ("_wh", "1 kWh = 1000 Wh"), "_mw": ("_w", "1 MW = 1,000,000 W")}
SHOWN = 80
"""Characters of a wrong value that a fault repeats."""

Path = tuple[str | int, ...]


def listed(document: dict[str, Any], error: ValidationError) -> list[str]:
    """Every fault of a document, each once."""
    items = error.errors()
    paths = [item["loc"] for item in items]
    return [_fault(document, dict(item)) for item in items if not _follows(dict(item), paths)]


def _follows(item: dict[str, Any], paths: Sequence[Path]) -> bool:
    """A list whose every item is wrong counts as empty: that says nothing of its own."""
    where: Path = item["loc"]
    return item["type"] == "too_short" and any(path[: len(where)] == where and path != where for path in paths)


def _fault(document: dict[str, Any], item: dict[str, Any]) -> str:
    where = _path(document, item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{where}: unknown option. {_suggest(item['loc'])}"
    if item["type"] == "missing":
        return f"{where}: is missing; add it"
    remedy = item["msg"].removeprefix("Value error, ")
    value = item.get("input")
    shown = f" = {plain(repr(value), SHOWN)}" if isinstance(value, str | int | float | bool) else ""
    hint = _unit_hint(where, value)
    return f"{where}{shown}: {remedy}{hint}"


def _path(document: Any, loc: Path) -> str:
    """``batteries[pack].capacity_wh``: list items are named by their key, as a person would."""
    text, node = "", document
    for part in loc:
        if isinstance(part, int):
            item = node[part] if isinstance(node, list) and part < len(node) else None
            name = item.get("key", part) if isinstance(item, dict) else part
            text += f"[{name}]"
            node = item
        else:
            text += f".{part}" if text else part
            node = node.get(part) if isinstance(node, dict) else None
    return text or "site"


def _suggest(loc: Path) -> str:
    name, known = str(loc[-1]), _options(loc)
    for wrong, (right, says) in UNITS.items():
        meant = name.removesuffix(wrong) + right
        if name.endswith(wrong) and meant in known:
            return f"Units here are W and Wh: write {meant} ({says})"
    near = nearest(name, known)
    return f"Did you mean {near!r}?" if near else f"Known options: {', '.join(known)}"


def _options(loc: Path) -> list[str]:
    """What may stand beside an option."""
    model: Any = Site
    for part in loc[:-1]:
        if isinstance(part, str) and hasattr(model, "model_fields"):
            model = _record_type(model.model_fields[part].annotation)
    return list(getattr(model, "model_fields", {}))


def _record_type(annotation: Any) -> Any:
    """The record class inside ``X | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((t for t in map(_record_type, get_args(annotation)) if t is not None), None)


def _unit_hint(where: str, value: object) -> str:
    if isinstance(value, int | float) and where.endswith(("_w", "_wh")) and 0 < value < 200:
        unit = "W" if where.endswith("_w") else "Wh"
        return f" (the unit is {unit}; {value} looks like k{unit}: write {value * 1000:g})"
    return ""
