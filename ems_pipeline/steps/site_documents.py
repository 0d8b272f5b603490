"""A site's document that came over HTTP: held against what no channel may change, written to its file, registered.

The file stays the one place that says what a site is. What stood there is kept beside it under a name that begins with
a dot, which the folder's reader passes over; comments of the former file are found there.
"""

from __future__ import annotations

import json
import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from ems_pipeline import control
from ems_pipeline.sites import Site, SiteFileError, channel
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
    folder, now = site_folder(), platform.clock.now()
    with tempfile.TemporaryDirectory(prefix="ems-site-") as room:
        draft = Path(room) / "site.yaml"
        draft.write_text(
            json.dumps(asked.parameters["document"], indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        try:
            site = read_site(draft)
        except SiteFileError as error:
            raise NotAnswered(str(error).replace(str(draft), "that was sent"), "correct what is named") from error
        _demand_allowed(platform, asked, site, now)
        _place(draft, folder / f"{site.key}.yaml", now)
    found = follow_files(platform)
    if not site.active:
        control.release_site(platform.warehouse, site.key, now, platform.clock, "taken out of service")
    if fault := found.faulty.get(site.key):
        raise NotAnswered(fault, "look at the site's file on the machine")
    return {"site": site.key, "config_hash": config_hash(site)}


def _demand_allowed(platform: Platform, asked: Asked, site: Site, now: datetime) -> None:
    """Asked once more where it is done: the site may have been armed, or changed, since it was sent."""
    if asked.site_key not in ("", site.key):
        raise NotAnswered(f"the document says key: {site.key}, and {asked.site_key} was meant", "send its own document")
    with platform.warehouse.begin() as connection:
        before = registry.newest(connection, site.key) if site.key in registry.all_keys(connection) else None
        is_armed = arming.is_armed(connection, site.key, now)
    if before is not None and config_hash(before) != asked.parameters.get("made_on"):
        raise NotAnswered(f"{site.key} has another version by now", "read it again, and change that one")
    if faults := channel.forbidden(before, site, is_armed=is_armed):
        raise NotAnswered("; ".join(faults), channel.REMEDY)


def _place(draft: Path, target: Path, now: datetime) -> None:
    """The draft at the place of the site's file, whole or not at all; what stood there beside it."""
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(draft.read_bytes())
        if target.exists():
            target.with_name(f".{target.name}.{now:%Y%m%dT%H%M%SZ}").write_bytes(target.read_bytes())
        os.replace(beside, target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        why = f"{target} cannot be written: {error.strerror}"
        raise NotAnswered(why, "edit the site's file on the machine, or let the service write its folder") from error
