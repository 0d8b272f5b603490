"""A YAML site file plus environment variables -> `Site`, or one message that lists every fault with its remedy.

Environment overrides: ``EMS_SITE__<SITE KEY>__<PATH>`` with ``__`` between path parts and list items named by their
``key``, e.g. ``EMS_SITE__HOME01__GATEWAYS__RS485__HOST=10.0.0.7`` (dashes in keys are written as underscores).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from ems_pipeline.sites.site import Site

PREFIX = "EMS_SITE__"
UNIT_HINTS = {"_kw": "_w (1 kW = 1000 W)", "_kwh": "_wh (1 kWh = 1000 Wh)", "_mw": "_w (1 MW = 1,000,000 W)"}


class SiteFileError(ValueError):
    """A site file that cannot be used; the text lists all faults, each with its remedy."""


def load_site(path: Path, environ: Mapping[str, str] | None = None) -> Site:
    """Read one site file.

    Args:
        path: the YAML file.
        environ: where overrides are looked up; the process environment by default.

    Raises:
        SiteFileError: unreadable file, bad YAML, or any number of wrong fields (all are listed).
    """
    document = _read(path)
    _override(document, os.environ if environ is None else environ)
    try:
        return Site.model_validate(document)
    except ValidationError as error:
        faults = [_fault(document, dict(item)) for item in error.errors()]
        listed = "\n".join(f"  {i}. {fault}" for i, fault in enumerate(faults, 1))
        raise SiteFileError(f"site file {path} has {len(faults)} fault(s):\n{listed}") from None


def load_sites(folder: Path, environ: Mapping[str, str] | None = None) -> list[Site]:
    """All sites of a folder, ordered by key; faults of all files are reported together."""
    if not folder.is_dir():
        raise SiteFileError(f"there is no folder of site files at {folder}; create it or set EMS_SITES to it")
    sites, faults = [], []
    for path in sorted(folder.glob("*.yaml")):
        try:
            sites.append(load_site(path, environ))
        except SiteFileError as error:
            faults.append(str(error))
    if faults:
        raise SiteFileError("\n".join(faults))
    keys = [site.key for site in sites]
    if twice := sorted({k for k in keys if keys.count(k) > 1}):
        raise SiteFileError(f"site keys {twice} are used by more than one file in {folder}; rename one")
    return sorted(sites, key=lambda site: site.key)


def _read(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteFileError(f"site file {path} cannot be read: {error.strerror}; check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SiteFileError(f"site file {path} is not YAML: {error}; check indentation and quotes") from error
    if not isinstance(document, dict):
        raise SiteFileError(f"site file {path} holds {type(document).__name__}, not a mapping; start with `key:`")
    return document


def _override(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    prefix = f"{PREFIX}{_env_name(document.get('key', ''))}__"
    for name in sorted(n for n in environ if n.startswith(prefix)):
        *parents, leaf = name.removeprefix(prefix).lower().split("__")
        node: Any = document
        for part in parents:
            node = _child(node, part)
            if node is None:
                raise SiteFileError(f"{name} points to {part!r}, which the site file does not have; check the path")
        node[leaf] = yaml.safe_load(environ[name])


def _env_name(key: object) -> str:
    return str(key).upper().replace("-", "_")


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list):
        return next((i for i in node if isinstance(i, dict) and _env_name(i.get("key")) == part.upper()), None)
    return None


def _fault(document: dict[str, Any], item: dict[str, Any]) -> str:
    """One pydantic error in the words of a site owner: where, what stands there, what to do."""
    where = _path(document, item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{where}: unknown option. {_suggest(item['loc'])}"
    if item["type"] == "missing":
        return f"{where}: is missing; add it"
    remedy = item["msg"].removeprefix("Value error, ")
    value = item.get("input")
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    hint = _unit_hint(where, value)
    return f"{where}{shown}: {remedy}{hint}"


def _path(document: Any, loc: tuple[str | int, ...]) -> str:
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


def _suggest(loc: tuple[str | int, ...]) -> str:
    name = str(loc[-1])
    for wrong, right in UNIT_HINTS.items():
        if name.endswith(wrong):
            return f"Units here are W and Wh: write {name.removesuffix(wrong)}{right}"
    model: Any = Site
    for part in loc[:-1]:
        if isinstance(part, str) and hasattr(model, "model_fields"):
            model = _record_type(model.model_fields[part].annotation)
    known = list(getattr(model, "model_fields", {}))
    near = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known options: {', '.join(known)}"


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
