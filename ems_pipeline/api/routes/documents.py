"""A site's document: read, and changed as a new version. What steers hardware comes from the file on the machine."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from pydantic import ValidationError

from ems_pipeline.api.caller import Caller, needs
from ems_pipeline.api.filing import Filed, file
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import first, site_of
from ems_pipeline.api.rehearsal import REHEARSED
from ems_pipeline.api.rights import unknown_site
from ems_pipeline.api.values import Answer, SiteKey, said
from ems_pipeline.api.web import ThisWeb, Web
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site, channel
from ems_pipeline.sites.faults import listed

router = APIRouter(tags=["documents"])
OWN = Depends(needs("sites:write"))
WIRE = Depends(needs("devices:write"))
Change = Annotated[
    dict[str, Any],
    Body(
        description="JSON merge patch (RFC 7396): what it names is replaced, null takes away, lists are whole.",
        examples=[{"usual_load_w": 500}],
    ),
]
Whole = Annotated[dict[str, Any], Body(description="A whole document, as a site file.", examples=[{"key": "home02"}])]
Part = Annotated[dict[str, Any], Body(description="A device as in a site file.", examples=[{"key": "meter"}])]
Edit = Callable[[dict[str, Any]], dict[str, Any]]


class Document(Answer):
    """What a site's file says, with every default written out."""

    site: str = said("Site.", "home01")
    config_hash: str = said("Version.", "9a3f5c0d1e2b4a67")
    document: dict[str, Any] = said("The document; secrets never stand in it.", {"key": "home01"})


@router.get("/sites/{site}/document", response_model=Document, summary="What a site's file says")
async def document(site: SiteKey, caller: Annotated[Caller, OWN], web: ThisWeb) -> dict[str, Any]:
    """The newest registered version, addresses included: for owners."""
    return await _newest(web, caller, caller.site(site))


@router.post("/sites", status_code=202, summary="Add a site", dependencies=REHEARSED)
async def add(wanted: Whole, caller: Annotated[Caller, OWN], web: ThisWeb) -> Filed:
    """It is planned and priced at once. Gateways, devices and `control.enabled` come from its file on the machine."""
    site = _understood(wanted)
    if caller.sites is not None:
        raise unknown_site(site.key)
    async with web.database.reading(caller) as connection:
        taken = await first(connection, "SELECT FROM ems.site WHERE site_key = %(key)s", key=site.key)
    if taken is not None:
        detail, remedy = f"there is a site {site.key} already", f"PATCH /api/v1/sites/{site.key} changes it"
        raise Problem(409, "site_exists", "The key is taken", detail, remedy, "key")
    _demand_allowed(None, site, is_armed=False)
    return await file(web.database, caller, "site-document", None, {"document": wanted})


@router.patch("/sites/{site}", status_code=202, summary="Change a site's document", dependencies=REHEARSED)
async def change(site: SiteKey, wanted: Change, caller: Annotated[Caller, OWN], web: ThisWeb) -> Filed:
    """A new version, once the request is done: written to its file, registered, and kept with all before it."""
    return await file_edited(web, caller, caller.site(site), lambda before: merged(before, wanted))


@router.delete("/sites/{site}", status_code=202, summary="Take a site out of service", dependencies=REHEARSED)
async def remove(site: SiteKey, caller: Annotated[Caller, OWN], web: ThisWeb) -> Filed:
    """Nothing of it is read, planned or told any more, and its devices are handed back; its history stays."""
    return await file_edited(web, caller, caller.site(site), lambda before: before | {"active": False})


@router.post("/sites/{site}/devices", status_code=202, summary="Add a device", dependencies=REHEARSED)
async def add_device(site: SiteKey, wanted: Part, caller: Annotated[Caller, WIRE], web: ThisWeb) -> Filed:
    """Behind a gateway that its file names already; not while the site is armed."""

    def more(before: dict[str, Any]) -> dict[str, Any]:
        return before | {"devices": [*before["devices"], wanted]}

    return await file_edited(web, caller, caller.site(site), more)


@router.patch("/sites/{site}/devices/{device}", status_code=202, summary="Change a device", dependencies=REHEARSED)
async def change_device(
    site: SiteKey, device: SiteKey, wanted: Change, caller: Annotated[Caller, WIRE], web: ThisWeb
) -> Filed:
    """Its map, unit id or options; not while the site is armed."""

    def changed(before: dict[str, Any]) -> dict[str, Any]:
        _demand_device(before, device)
        return before | {"devices": [merged(d, wanted) if d["key"] == device else d for d in before["devices"]]}

    return await file_edited(web, caller, caller.site(site), changed)


@router.delete("/sites/{site}/devices/{device}", status_code=202, summary="Remove a device", dependencies=REHEARSED)
async def remove_device(site: SiteKey, device: SiteKey, caller: Annotated[Caller, WIRE], web: ThisWeb) -> Filed:
    """One that no asset names any more; not while the site is armed."""

    def fewer(before: dict[str, Any]) -> dict[str, Any]:
        _demand_device(before, device)
        return before | {"devices": [d for d in before["devices"] if d["key"] != device]}

    return await file_edited(web, caller, caller.site(site), fewer)


def merged(before: Any, wanted: Any) -> Any:
    """A JSON merge patch applied (RFC 7396); bodies are nested 64 deep at most."""
    if not isinstance(wanted, dict):
        return deepcopy(wanted)
    found = dict(before) if isinstance(before, dict) else {}
    for name, value in wanted.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


async def _newest(web: Web, caller: Caller, key: str) -> dict[str, Any]:
    async with web.database.reading(caller) as connection:
        of = await site_of(connection, key)
    return {"site": key, "config_hash": of["config_hash"], "document": of["config"]}


async def file_edited(web: Web, caller: Caller, key: str, edit: Edit) -> Filed:
    """File the document of a site as edited, once it is one that may come over a channel."""
    standing = await _newest(web, caller, key)
    wanted = edit(standing["document"])
    site = _understood(wanted)
    armed = "SELECT FROM ems.control_arm WHERE site_key = %(key)s AND disarmed_at IS NULL AND until_at > %(now)s"
    async with web.database.reading(caller) as connection:
        arm = await first(connection, armed, key=key, now=web.clock.now())
    _demand_allowed(_understood(standing["document"]), site, is_armed=arm is not None)
    parameters = {"document": wanted, "made_on": standing["config_hash"]}
    return await file(web.database, caller, "site-document", key, parameters)


def _understood(wanted: dict[str, Any]) -> Site:
    try:
        return Site.model_validate(wanted)
    except ValidationError as error:
        faults = [{"field": "document", "message": plain(text, 200), "code": "fault"} for text in listed(wanted, error)]
        detail = f"{len(faults)} faults: {faults[0]['message']}"
        raise Problem(
            422, "site_faulty", "The site cannot be as sent", detail, "correct what is named", errors=faults[:20]
        ) from error


def _demand_allowed(before: Site | None, after: Site, *, is_armed: bool) -> None:
    if faults := channel.forbidden(before, after, is_armed=is_armed):
        raise Problem(
            403, "from_the_file_alone", "This comes from the file alone", "; ".join(faults), channel.REMEDY,
            faults[0].partition(":")[0],
        )  # fmt: skip


def _demand_device(document: dict[str, Any], device: str) -> None:
    known = [d["key"] for d in document["devices"]]
    if device not in known:
        detail = f"site {document['key']} has no device {plain(device, 64)}; it has {', '.join(known)}"
        raise Problem(404, "device_unknown", "The device is not known", detail, "name one of these", "device")
