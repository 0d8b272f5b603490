"""Point map files: found by name, read, and refused with file, line and remedy when they are wrong.

A user's own maps live in the folders of ``EMS_DEVICE_MAPS`` and win over the ones shipped here. A map may say
``extends: other-map`` and give only what differs (a point the variant lacks is ``null``), so two variants of one device
never drift apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ems_pipeline import settings
from ems_pipeline.devices.points.map_faults import described
from ems_pipeline.devices.points.point_map import PointMap
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import nearest
from ems_pipeline.sites import document as yaml_document
from ems_pipeline.sites.document import Lines

SHIPPED = Path(__file__).parents[1] / "maps"
MOST_REPEATS = 26
"""As many as letters count."""


class MapFileError(EmsError, ValueError):
    """A point map that cannot be used; every fault with file, line and remedy."""

    usual = "correct the file"


def map_folders(environ: Mapping[str, str] | None = None) -> list[Path]:
    """Where maps are looked for, in order: the user's folders, then the shipped ones."""
    return [*settings.DEVICE_MAPS.read(environ), SHIPPED]


def known_maps(environ: Mapping[str, str] | None = None) -> dict[str, Path]:
    """Map name -> file; the first folder that has a name wins."""
    found: dict[str, Path] = {}
    for folder in map_folders(environ):
        for path in sorted(folder.glob("*.yaml")):
            found.setdefault(path.stem, path)
    return found


def readable_maps() -> Iterator[PointMap]:
    """All known maps, by name, but those with faults: of its owner's own `ems device map check` says what is wrong."""
    for name in sorted(known_maps()):
        with suppress(MapFileError):
            yield load_map(name)


def load_map(name: str, environ: Mapping[str, str] | None = None) -> PointMap:
    """The point map called ``name``.

    Raises:
        MapFileError: no such map, or its file has faults.
    """
    for folder in map_folders(environ):
        path = folder / f"{name}.yaml"
        try:
            return _read_cached(path, _versions(path))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise MapFileError(f"point map {path} cannot be read: {error.strerror}", "give us the right to") from error
    maps = known_maps(environ)
    near = nearest(name, maps)
    hint = f"did you mean {near!r}?" if near else f"known maps: {', '.join(sorted(maps))}."
    raise MapFileError(
        f"there is no point map {name!r}; {hint}", f"Own maps go into a folder named by {settings.DEVICE_MAPS.name}"
    )


def read_map(path: Path) -> PointMap:
    """Read and validate one map file.

    Raises:
        MapFileError: any fault, with line numbers and remedies.
    """
    document, lines = _merged(path, seen=())
    points = [
        p for name, body in (document.get("points") or {}).items() for p in _repeated(path, str(name), body, lines)
    ]
    try:
        point_map = PointMap.model_validate({**document, "points": [body for _, body in points]})
    except ValidationError as error:
        names = [(name, str(body["name"])) for name, body in points]
        faults = [line for item in error.errors() for line in described(path.name, dict(item), names, lines)]
        listed = "\n".join([f"point map {path} has {len(faults)} fault(s):", *faults])
        raise MapFileError(listed, is_told=True) from None
    if point_map.map != path.stem:
        raise MapFileError(
            f"point map {path}: line {lines.get(('map',), 1)}: `map: {point_map.map}` is not the file name",
            "say the same",
        )
    return point_map


Versions = tuple[tuple[Path, int], ...]
"""Files that a map is made of, each with the instant it was last changed, ns."""


@lru_cache(maxsize=64)
def _read_cached(path: Path, _versions: Versions) -> PointMap:
    return read_map(path)


def _versions(path: Path, seen: tuple[Path, ...] = ()) -> Versions:
    """A map is another one when a map it extends is, too. FileNotFoundError: there is no such file."""
    changed_ns = path.stat().st_mtime_ns
    name = _base_name(path, changed_ns)
    base = None if name is None else _base_path(path, name)
    known = ((path, changed_ns),)
    return (
        known if base is None or not base.is_file() or base in (*seen, path) else known + _versions(base, (*seen, path))
    )


@lru_cache(maxsize=64)
def _base_name(path: Path, _changed_ns: int) -> str | None:
    name = _document(path)[0].get("extends")
    return None if name is None else str(name)


def _base_path(path: Path, name: str) -> Path:
    """The map that the one at ``path`` extends, whether it exists or not."""
    found = (folder / f"{name}.yaml" for folder in map_folders())
    return next((base for base in found if base.is_file()), path.parent / f"{name}.yaml")


def _merged(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], Lines]:
    """The document with its base below it, and the line of every key (of the file that said it last)."""
    document, lines = _document(path)
    if not isinstance(document.get("points", {}), dict):
        raise MapFileError(f"point map {path}: line {lines['points',]}: points must be a mapping of names to points")
    base_name = document.pop("extends", None)
    if base_name is None:
        return document, lines
    base_path = _base_path(path, str(base_name))
    if not base_path.is_file() or base_path in seen:
        raise MapFileError(
            f"point map {path}: line {lines['extends',]}: cannot extend {base_name!r}: not found or circular"
        )
    base, base_lines = _merged(base_path, (*seen, path))
    whole = _overlay(base, document)
    kept = {n: p for n, p in whole.get("points", {}).items() if p is not None or n not in base.get("points", {})}
    return {**whole, "points": kept}, {**base_lines, **lines}


def _repeated(path: Path, name: str, body: Any, lines: Lines) -> list[tuple[str, dict[str, Any]]]:
    """A point as written and what it stands for: ``slot{n}_soc: {repeat: 6, ...}`` is six points, `step` apart.

    Texts of the point may say ``{n}`` (1, 2, 3), ``{i}`` (0, 1, 2), ``{abc}`` and ``{ABC}`` (a, b, c).
    """
    where = f"point map {path}: line {lines.get(('points', name), 1)}"
    if not isinstance(body, dict):
        raise MapFileError(
            f"{where}: point {name} must be a mapping; null only takes away a point of the map this one extends"
        )
    count, step = body.get("repeat", 1), body.get("step", 1)
    if not isinstance(count, int) or not isinstance(step, int) or not 1 <= count <= MOST_REPEATS:
        raise MapFileError(f"{where}: {name}: `repeat: {count}`, `step: {step}` must be whole, 1..{MOST_REPEATS} times")
    if (count > 1) != ("{n}" in name):
        raise MapFileError(f"{where}: {name} and `repeat: {count}` do not fit; a repeated point has {{n}} in its name")
    plain = {k: v for k, v in body.items() if k not in ("repeat", "step")}
    return [(name, _moved(plain, i, step) | {"name": name.replace("{n}", str(i + 1))}) for i in range(count)]


def _moved(body: dict[str, Any], i: int, step: int) -> dict[str, Any]:
    """The ``i``-th of a repeated point."""
    letter = chr(ord("a") + i)
    places = {"{n}": str(i + 1), "{i}": str(i), "{abc}": letter, "{ABC}": letter.upper()}
    moved = dict(body)
    for key, value in body.items():
        if key in ("address", "high_address") and isinstance(value, int):
            moved[key] = value + i * step
        elif isinstance(value, str):
            for place, text in places.items():
                value = value.replace(place, text)
            moved[key] = value
    return moved


def _document(path: Path) -> tuple[dict[str, Any], Lines]:
    try:
        document, lines = yaml_document.read_with_lines(path)
    except yaml_document.DocumentError as error:
        raise MapFileError(f"point map {path} {error.what}", error.remedy) from error
    if not isinstance(document, dict):
        raise MapFileError(f"point map {path} is not a mapping", f"start with `map: {path.stem}`")
    return document, lines


def _overlay(base: Any, over: Any) -> Any:
    """``over`` on top of ``base``, mapping by mapping; what is said later wins."""
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{k: _overlay(base.get(k), v) for k, v in over.items()}}
    return over
