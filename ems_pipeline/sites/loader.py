"""A YAML site file plus environment variables -> `Site`, or one message that lists every fault with its remedy.

Environment overrides: ``EMS_SITE__<SITE KEY>__<PATH>`` with ``__`` between path parts and list items named by their
``key``, e.g. ``EMS_SITE__HOME01__GATEWAYS__RS485__HOST=10.0.0.7`` (dashes in keys are written as underscores).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain, told
from ems_pipeline.sites import document as yaml_document
from ems_pipeline.sites.faults import listed
from ems_pipeline.sites.record import Known
from ems_pipeline.sites.site import Site


class SiteFileError(EmsError, ValueError):
    """A site file that cannot be used; the text lists all faults, each with its remedy.

    ``site_key`` is what the file calls its site, as far as it can be read; else None. ``withdraws`` says that it reads
    ``control: {enabled: false}``: whatever else is wrong, its owner does not want the site to be steered.
    """

    usual = "correct what is named"

    def __init__(
        self, path: Path, what: str, remedy: str = "", site_key: str | None = None, *, withdraws: bool = False
    ) -> None:
        """``remedy`` is empty where ``what`` lists faults, each with its own."""
        super().__init__(f"site file {plain(path)} {what}", remedy, is_told=not remedy)
        self.path = path
        self.site_key = site_key
        self.withdraws = withdraws


def load_site(path: Path, environ: Mapping[str, str] | None = None, known: Known | None = None) -> Site:
    """Read one site file.

    Args:
        path: the YAML file.
        environ: where overrides are looked up; the process environment by default.
        known: who knows the names that mean something outside the file; by default they are taken as written.

    Raises:
        SiteFileError: unreadable file, bad YAML, or any number of wrong fields (all are listed).
    """
    key: str | None = None
    withdraws = False
    try:
        document = yaml_document.read(path)
        if not isinstance(document, dict):
            raise yaml_document.DocumentError(f"holds {type(document).__name__}, not a mapping", "start with `key:`")
        key = document["key"] if isinstance(document.get("key"), str) else None
        withdraws = _withdraws(document)
        _override(document, os.environ if environ is None else environ)
        withdraws = _withdraws(document)
        return Site.model_validate(document, context=known)
    except yaml_document.DocumentError as error:
        raise SiteFileError(path, error.what, error.remedy, key, withdraws=withdraws) from None
    except ValidationError as error:
        raise faulty(path, listed(document, error), key, withdraws=withdraws) from None


def _withdraws(document: dict[str, Any]) -> bool:
    control = document.get("control")
    return isinstance(control, dict) and control.get("enabled") is False


def faulty(path: Path, faults: list[str], site_key: str | None, *, withdraws: bool) -> SiteFileError:
    """The error that lists the faults of a file."""
    lines = "\n".join(f"  {i}. {fault}" for i, fault in enumerate(faults, 1))
    return SiteFileError(path, f"has {len(faults)} fault(s):\n{lines}", site_key=site_key, withdraws=withdraws)


def load_sites(folder: Path, load: Callable[[Path], Site] = load_site) -> list[Site | SiteFileError]:
    """Every site of a folder, by itself: the site, or why its file cannot be used. In the order of the file names.

    Of files that say the same key the one called after it counts (``home01.yaml``, as `ems site add` names it), else
    none; names that begin with a dot are an editor's own.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".yaml" and not path.name.startswith("."))
    except OSError as error:
        text = f"cannot be read as a folder of site files: {error.strerror}"
        return [SiteFileError(folder, text, "create it or set EMS_SITES to another")]
    found = {path: _loaded(path, load) for path in paths}
    said = Counter(site.key for site in found.values() if isinstance(site, Site))
    return [
        SiteFileError(
            path,
            f"says key: {site.key}, and so does another file in {folder}",
            "change one",
            site.key,
            withdraws=not site.control.enabled,
        )
        if isinstance(site, Site) and said[site.key] > 1 and site.key != path.stem
        else site
        for path, site in found.items()
    ]


def _loaded(path: Path, load: Callable[[Path], Site]) -> Site | SiteFileError:
    try:
        return load(path)
    except SiteFileError as error:
        return error
    except Exception as error:  # a fault of this program costs the one file, too
        return SiteFileError(path, f"cannot be used: {told(error)}", "please report it")


def _override(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    prefix = f"{settings.SITE.stem}{_env_name(document.get('key', ''))}__"
    for name in sorted(n for n in environ if n.startswith(prefix)):
        *parents, leaf = name.removeprefix(prefix).lower().split("__")
        node: Any = document
        for part in parents:
            node = _child(node, part)
        if not isinstance(node, dict):
            raise yaml_document.DocumentError(
                f"has nothing at {'.'.join(parents)!r}, which {name} points into", "check the path"
            )
        try:
            node[leaf] = yaml_document.parsed(environ[name])
        except yaml_document.DocumentError as error:
            raise yaml_document.DocumentError(f"is overridden by {name}, which {error.what}", error.remedy) from None


def _env_name(key: object) -> str:
    return str(key).upper().replace("-", "_")


def _child(node: Any, part: str) -> Any:
    if isinstance(node, dict):
        return node.get(part)
    if isinstance(node, list):
        return next((i for i in node if isinstance(i, dict) and _env_name(i.get("key")) == part.upper()), None)
    return None
