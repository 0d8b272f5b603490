"""Controller maps found by name, read and refused with all their faults.

An owner's own stand in a folder `controllers` beside the site files, or in one of `EMS_DEVICE_MAPS`, and win over those
that are shipped. One that says ``extends: hgm9520n`` gives only what differs, entry by entry, by name; an entry that
the controller lacks is listed in ``absent``. It may have the name of the map it extends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.gensets.map.record import AlarmTable, Bit, Coil, Command, Defaults, Register, Terms
from ems_pipeline.gensets.map.whole import FORMAT, ControllerMap
from ems_pipeline.plain_text import nearest, plain
from ems_pipeline.sites import document as yaml_document

SHIPPED = Path(__file__).parent
FOLDER = "controllers"
LISTS = ("registers", "bits", "coils", "commands")
PARTS: dict[str, type[BaseModel]] = {
    "registers": Register, "bits": Bit, "coils": Coil, "commands": Command, "alarms": AlarmTable, "defaults": Defaults,
    "link": Terms,
}  # fmt: skip
EXTENDS, ABSENT = "extends", "absent"
Marks = tuple[tuple[Path, int], ...]
"""The files a map may be made of, and when each was changed last, ns."""


class ControllerMapError(EmsError, ValueError):
    """A controller map that cannot be used, with every fault."""

    usual = "correct the file"


def folders() -> list[Path]:
    """Where maps are looked for, in order."""
    own = [*settings.DEVICE_MAPS.read(), settings.SITES.read()]
    return [*(folder / FOLDER for folder in own), SHIPPED]


def known() -> dict[str, Path]:
    """Map name -> file; the first folder that has a name wins."""
    found: dict[str, Path] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def load(name: str) -> ControllerMap:
    """The map called ``name``; as it was read before, while no file has changed.

    Raises:
        ControllerMapError: there is none, or it has faults.
    """
    here = known()
    if name not in here:
        near = nearest(name, here)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(here))}."
        where = f"{settings.SITES.read() / FOLDER}"
        raise ControllerMapError(f"there is no controller map {name!r}; {hint}", f"Own ones go into {where}")
    return _kept(here[name], _marks())


def read(path: Path) -> ControllerMap:
    """The map of a file.

    Raises:
        ControllerMapError: with all faults.
    """
    document = _merged(path, ())
    try:
        return ControllerMap.model_validate(document)
    except ValidationError as error:
        faults = [line for item in error.errors() for line in _described(document, item["loc"], dict(item))]
        text = "\n".join([f"controller map {path} has {len(faults)} fault(s):", *faults])
        raise ControllerMapError(text, is_told=True) from None


@lru_cache(maxsize=64)
def _kept(path: Path, _: Marks) -> ControllerMap:
    return read(path)


def _marks() -> Marks:
    paths = (path for folder in folders() for path in sorted(folder.glob("*.yaml")))
    return tuple((path, path.stat().st_mtime_ns) for path in paths)


def _merged(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    """The document on top of the one it extends."""
    own = _document(path)
    name, absent = own.pop(EXTENDS, None), own.pop(ABSENT, [])
    if name is None:
        return own
    files = (folder / f"{name}.yaml" for folder in [path.parent, *folders()])
    base_path = next((file for file in files if file.is_file() and file not in (path, *seen)), None)
    if base_path is None:
        raise ControllerMapError(f"controller map {path}: cannot extend {name!r}: it is not found, or extends this one")
    base = _merged(base_path, (*seen, path))
    lacking = sorted(set(absent) - {one.get("name") for of in LISTS for one in base.get(of, ())})
    if lacking:
        raise ControllerMapError(f"controller map {path}: absent names {lacking}, which {name!r} does not have")
    return _overlaid(base, own, frozenset(absent))


def _overlaid(base: dict[str, Any], own: dict[str, Any], absent: frozenset[str]) -> dict[str, Any]:
    whole = {key: _over(base.get(key), value) for key, value in own.items() if key not in LISTS}
    lists = {key: _entries(base.get(key, ()), own.get(key, ()), absent) for key in LISTS if key in base or key in own}
    return {**base, **whole, **lists}


def _over(base: Any, own: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    return {**base, **{key: _over(base.get(key), value) for key, value in own.items()}}


def _entries(base: Iterable[Any], own: Iterable[Any], absent: frozenset[str]) -> list[Any]:
    """Entries by name, what differs laid over; one without a name stays, its fault is told."""
    own = list(own)
    changes = {one["name"]: one for one in own if isinstance(one, dict) and "name" in one}
    names = {one["name"] for one in base}
    kept = [_over(one, changes.get(one["name"], {})) for one in base if one["name"] not in absent]
    return kept + [one for one in own if not isinstance(one, dict) or one.get("name") not in names]


def _document(path: Path) -> dict[str, Any]:
    try:
        document = yaml_document.read(path)
    except yaml_document.DocumentError as error:
        raise ControllerMapError(f"controller map {path} {error.what}", error.remedy) from error
    if not isinstance(document, dict):
        raise ControllerMapError(f"controller map {path} is no mapping", f"start with `format: {FORMAT}`")
    wrong = next((key for key in LISTS if not isinstance(document.get(key, []), list)), None)
    if wrong is not None:
        raise ControllerMapError(f"controller map {path}: {wrong} must be a list of entries, each with its name")
    return document


def _described(document: dict[str, Any], place: tuple[int | str, ...], item: dict[str, Any]) -> list[str]:
    """One of pydantic's errors as lines for a person: where, what stands there, what to do."""
    where, node = "", cast("Any", document)
    for part in place:
        name = part
        if isinstance(part, int) and isinstance(node, list):
            node = node[part]
            name = node.get("name", part) if isinstance(node, dict) else part
        elif isinstance(node, dict):
            node = node.get(part, {})
        where += f"[{name}]" if isinstance(part, int) else f".{name}" if where else str(name)
    value = item.get("input")
    shown = f" = {plain(repr(value), 60)}" if isinstance(value, str | int | float | bool) else ""
    return [f"  {where}{shown}: {text}" if where else f"  {text}" for text in _said(item, place).split("\n")]


def _said(item: dict[str, Any], place: tuple[int | str, ...]) -> str:
    if item["type"] == "missing":
        return "is missing; add it"
    if item["type"] != "extra_forbidden":
        return str(item["msg"]).removeprefix("Value error, ")
    record = PARTS.get(str(place[0]), ControllerMap) if len(place) > 1 else ControllerMap
    near = nearest(str(place[-1]), record.model_fields)
    return "unknown option; " + (f"did you mean {near!r}?" if near else f"known: {', '.join(record.model_fields)}")
