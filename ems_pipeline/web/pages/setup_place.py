"""The set-up, its beginning: name, place, connection; and later the contract. Neither asks anything of a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.reading import first
from ems_pipeline.sites import market_zones
from ems_pipeline.sites import place as places
from ems_pipeline.web.forms import Fields
from ems_pipeline.web.reader import CONFIRM, Page, Reader, away, reads
from ems_pipeline.web.setup import contract, draft, place, typed
from ems_pipeline.web.setup.draft import Draft

router = APIRouter(route_class=Page)
Owner = Annotated[Reader, reads("sites:write")]


def demand_owner(reader: Reader, *, fresh: bool = False) -> None:
    """The set-up is for people who own all sites; ``fresh``: and have typed the password a moment ago.

    Raises:
        Problem: 403.
    """
    caller = reader.known
    if caller.kind != "person" or caller.sites is not None:
        raise Problem(
            403, "permission_missing", "Not allowed", f"{caller.name} does not own all sites of this installation",
            "ask an owner of all sites; `ems user list` on the machine names them",
        )  # fmt: skip
    if fresh and not caller.is_confirmed:
        raise Problem(
            403, "password_again", "The password is wanted again", "looking into the network wants the password again",
            f"type it at {CONFIRM}",
        )  # fmt: skip


async def taken(
    reader: Reader, standing: Draft, step: str, texts: dict[str, str], mean: Callable[[], Any]
) -> Problem | None:
    """Keep what was typed, and what it means; the problem where it means nothing yet."""
    part = standing[step] = standing.get(step, {}) | {"fields": texts, "meant": None}
    problem = None
    try:
        part["meant"] = mean()
    except Problem as found:
        problem = found
    await draft.keep(reader, standing)
    return problem


@router.get("/ui/setup")
async def begin(reader: Owner) -> Response:
    """Where it was left off."""
    demand_owner(reader)
    standing = await draft.load(reader)
    step = next((s for s in draft.STEPS if not standing.get(s, {}).get("meant")), "first")
    return away(f"/ui/setup/{step}")


@router.post("/ui/setup/anew")
async def anew(reader: Owner) -> Response:
    """What was entered is thrown away; what was written stays."""
    demand_owner(reader)
    await draft.drop(reader)
    return away("/ui/setup/place")


@router.get("/ui/setup/place")
async def ask_place(reader: Owner) -> Response:
    """The form."""
    demand_owner(reader)
    return _place(reader, await draft.load(reader), None)


@router.post("/ui/setup/place")
async def take_place(said: Fields, reader: Owner) -> Response:
    """On to the devices, or the form again."""
    demand_owner(reader)
    standing, texts = await draft.load(reader), said.root
    problem = await taken(reader, standing, "place", texts, lambda: place.meant(texts))
    if problem is None and await _is_taken(reader, standing["place"]["meant"]["key"]):
        key = standing["place"]["meant"]["key"]
        standing["place"]["meant"] = None
        await draft.keep(reader, standing)
        problem = typed.wrong("key", f"there is a site {key} already", "give it another key, under More")
    return away("/ui/setup/find") if problem is None else _place(reader, standing, problem)


async def _is_taken(reader: Reader, key: str) -> bool:
    async with reader.web.database.reading(reader.known) as connection:
        return await first(connection, "SELECT FROM ems.site WHERE site_key = %(key)s", key=key) is not None


def _place(reader: Reader, standing: Draft, problem: Problem | None) -> Response:
    fields = {"phases": "3"} | standing.get("place", {}).get("fields", {})
    return reader.show(
        "setup_place", problem.status if problem else 200, step="place", draft=standing, fields=fields,
        problem=problem and problem.body(), timezones=places.timezones(),
        zones=[*sorted(market_zones.ZONES), market_zones.NONE],
    )  # fmt: skip


@router.get("/ui/setup/contract")
async def ask_contract(reader: Owner, template: str = "") -> Response:
    """The form of one template; another is chosen by a link."""
    demand_owner(reader)
    standing = await draft.load(reader)
    if not standing.get("place", {}).get("meant"):
        return away("/ui/setup/place")
    return _contract(reader, standing, None, template)


@router.post("/ui/setup/contract")
async def take_contract(said: Fields, reader: Owner) -> Response:
    """On to the review, or the form again."""
    demand_owner(reader)
    standing, texts = await draft.load(reader), said.root
    if not (site := standing.get("place", {}).get("meant")):
        return away("/ui/setup/place")
    problem = await taken(reader, standing, "contract", texts, lambda: contract.meant(texts, site["currency"]))
    return away("/ui/setup/review") if problem is None else _contract(reader, standing, problem, "")


def _contract(reader: Reader, standing: Draft, problem: Problem | None, template: str) -> Response:
    site, typed_before = standing["place"]["meant"], standing.get("contract", {}).get("fields", {})
    zone, currency = site["market_zone"], site["currency"]
    offered = contract.offered(currency, zone)
    wanted = template or typed_before.get("template") or contract.suggested(zone, currency)
    chosen = next((t for t in offered if t.key == wanted), offered[0])
    fields = {"valid_from": f"{reader.web.clock.now():%Y}-01-01"} | chosen.fields
    if typed_before.get("template") == chosen.key:
        fields |= typed_before
    return reader.show(
        "setup_contract", problem.status if problem else 200, step="contract", draft=standing, fields=fields,
        chosen=chosen, offered=offered, currency=currency, problem=problem and problem.body(),
    )  # fmt: skip
