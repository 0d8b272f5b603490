"""A site's document that came over HTTP: held against what no channel may change, written to its file, registered.

The file stays the one place that says what a site is, and its owner's: what is not changed stands as before, comments
included. What stood there is kept beside it under a name that begins with a dot, which the folder's reader passes over.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ems_pipeline import control
from ems_pipeline.devices.installed.address import address_of
from ems_pipeline.sites import Site, SiteFileError, channel, document
from ems_pipeline.sites.document import DocumentError
from ems_pipeline.sites.revised import revised, said_by, whole
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.registration import follow_files
from ems_pipeline.steps.site_folder import read_site, site_folder
from ems_pipeline.warehouse import arming
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.asked import Asked, NotAnswered
from ems_pipeline.warehouse.sites import config_hash


def take(platform: Platform, asked: Asked) -> dict[str, Any]:
    """Make a document the site's; what it says now, by its hash.

    Raises:
        NotAnswered: it has faults, changes what it may not, or rests on a version that is not the newest any more.
    """
    now = platform.clock.now()
    site, text = _sent(asked)
    before = _demand_allowed(platform, asked, site, now)
    fault = _put(platform, before, site, text, now)
    if not site.active:
        control.release_site(platform.warehouse, site.key, now, platform.clock, "taken out of service")
    if fault:
        raise NotAnswered(fault, "look at the site's file on the machine")
    return {"site": site.key, "config_hash": config_hash(site)}


def changed_here(platform: Platform, before: Site, wanted: dict[str, Any]) -> Site:
    """A site's file changed by whoever is at the machine, whose it is, and registered.

    Args:
        before: as the file says it now.
        wanted: its document as it is to be, defaults written out or not.

    Raises:
        SiteFileError: it has faults; the file stays as it was.
        NotAnswered: the file cannot be written, or not be registered.
    """
    text = whole(wanted)
    site = _read(text)
    if fault := _put(platform, before, site, text, platform.clock.now()):
        raise NotAnswered(fault, "correct what is named")
    return site


def _put(platform: Platform, before: Site | None, site: Site, text: str, now: datetime) -> str:
    """Write the site to its file, what is not changed as it stands, and register it; why it was not, else empty."""
    target = _file_of(site.key)
    _place(_in_place(target, before, site) or text, target, now)
    return follow_files(platform).faulty.get(site.key, "")


def begin(platform: Platform, asked: Asked) -> dict[str, Any]:
    """A new site of the set-up, with its gateways and devices and in shadow: its file, and what it says by its hash.

    Raises:
        NotAnswered: it has faults, its key or one of its addresses is taken, or it names what comes from a file alone.
    """
    site, _ = _sent(asked)
    text, target = whole(said_by(site)), _file_of(site.key)
    with platform.warehouse.begin() as connection:
        taken = site.key in registry.all_keys(connection) or target.exists()
        addresses = {address_of(g): other.key for other in registry.configured(connection) for g in other.gateways}
    if taken:
        raise NotAnswered(f"there is a site {site.key} already", "give the new one another key")
    if faults := channel.forbidden(None, site, is_armed=False, brings_devices=True):
        raise NotAnswered("; ".join(faults), channel.REMEDY)
    if others := [
        f"{g.key} is a gateway of {addresses[a]}" for g in site.gateways if (a := address_of(g)) in addresses
    ]:
        raise NotAnswered("; ".join(others), "leave it out; what two sites share is written into their files")
    _place(text, target, platform.clock.now())
    if fault := follow_files(platform).faulty.get(site.key):
        target.unlink(missing_ok=True)  # it was nobody's before: a file that is refused leaves nothing to be minded
        raise NotAnswered(fault, "correct what is named")
    return {"site": site.key, "config_hash": config_hash(site), "file": target.name}


def _sent(asked: Asked) -> tuple[Site, str]:
    """The site that was sent, as a file with its text would be read."""
    text = whole(asked.parameters["document"])
    try:
        return _read(text), text
    except SiteFileError as error:
        raise NotAnswered(error.what.replace(str(error.path), "that was sent"), error.remedy) from error


def _read(text: str) -> Site:
    """The site that a file with this text would be; SiteFileError: it could be none."""
    with tempfile.TemporaryDirectory(prefix="ems-site-") as room:
        draft = Path(room) / "site.yaml"
        draft.write_text(text, encoding="utf-8")
        return read_site(draft)


def _file_of(key: str) -> Path:
    """The file that says what this site is: called after it, else whatever its owner called it."""
    named = site_folder() / f"{key}.yaml"
    if not named.exists():
        for path in sorted(site_folder().glob("[!.]*.yaml")):
            with suppress(DocumentError):
                if isinstance(said := document.read(path), dict) and said.get("key") == key:
                    return path
    return named


def _in_place(target: Path, before: Site | None, site: Site) -> str | None:
    """The file's text with what is changed changed in it; None: there is none, or it would say something else."""
    if before is None or not target.exists():
        return None
    try:
        standing = target.read_text(encoding="utf-8")
        text = revised(standing, before.model_dump(mode="json"), site.model_dump(mode="json"))
        return text if config_hash(_read(text)) == config_hash(site) else None
    except (ValueError, OSError):
        return None


def _demand_allowed(platform: Platform, asked: Asked, site: Site, now: datetime) -> Site | None:
    """Asked once more where it is done: the site may have been armed, or changed, since it was sent.

    Returns:
        The site as it is now; None: there is none of this key.
    """
    if asked.site_key not in ("", site.key):
        raise NotAnswered(f"the document says key: {site.key}, and {asked.site_key} was meant", "send its own document")
    with platform.warehouse.begin() as connection:
        before = registry.newest(connection, site.key) if site.key in registry.all_keys(connection) else None
        is_armed = arming.is_armed(connection, site.key, now)
    if before is not None and config_hash(before) != asked.parameters.get("made_on"):
        raise NotAnswered(f"{site.key} has another version by now", "read it again, and change that one")
    if faults := channel.forbidden(before, site, is_armed=is_armed):
        raise NotAnswered("; ".join(faults), channel.REMEDY)
    return before


def _place(text: str, target: Path, now: datetime) -> None:
    """The text at the place of the site's file, whole or not at all; what stood there beside it."""
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        if target.exists():
            target.with_name(f".{target.name}.{now:%Y%m%dT%H%M%SZ}").write_bytes(target.read_bytes())
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        why = f"{target} cannot be written: {error.strerror}"
        raise NotAnswered(why, "edit the site's file on the machine, or let the service write its folder") from error
