"""The set-up, its devices: who answers at an address, what they say, batteries and roofs. The pipeline asks them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from ems_pipeline.api.filing import file
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import requests
from ems_pipeline.web.forms import Fields
from ems_pipeline.web.pages.setup_place import Owner, demand_owner, taken
from ems_pipeline.web.reader import Page, Reader, away
from ems_pipeline.web.setup import draft, energy, found, signs
from ems_pipeline.web.setup.draft import Draft
from ems_pipeline.web.setup.signs import Values
from ems_pipeline.web.setup.typed import wrong

router = APIRouter(route_class=Page)
Answered = dict[str, Any]
OPEN = ("queued", "running")
SHOWN = (
    "grid_power_w", "pv_power_w", "battery_power_w", "battery_soc_pct", "battery_voltage_v", "load_power_w",
    "ev_power_w", "heat_pump_power_w", "flow_temp_c",
)  # fmt: skip
"""What somebody knows of his house."""


async def answered(reader: Reader, number: str | None) -> Answered | None:
    """A request of the set-up as it stands; None: none was filed, or it is gone."""
    if not number:
        return None
    try:
        return dict(await requests.request(UUID(number), reader.known, reader.web))
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


async def ask(reader: Reader, kind: str, parameters: Answered) -> str:
    """File a request that names an address; its number.

    Raises:
        Problem: 403 without the password of a moment ago, 429 while another look is under way.
    """
    demand_owner(reader, fresh=True)
    filed = await file(reader.web.database, reader.known, kind, None, parameters)
    return filed.request_id or ""


@router.get("/ui/setup/find")
async def ask_where(reader: Owner) -> Response:
    """Where to look, and who answered."""
    demand_owner(reader, fresh=True)
    return await _find(reader, await draft.load(reader), None)


@router.post("/ui/setup/find")
async def look(said: Fields, reader: Owner) -> Response:
    """A request; the page follows it."""
    standing, problem = await draft.load(reader), None
    part = standing["find"] = standing.get("find", {}) | {"fields": said.root, "request": None}
    await draft.keep(reader, standing)
    try:
        part["searched"] = found.search(said.root)
        part["request"] = await ask(reader, "device-find", part["searched"])
    except Problem as fault:
        problem = _shown(fault)
    await draft.keep(reader, standing)
    return away("/ui/setup/find") if problem is None else await _find(reader, standing, problem)


def _shown(problem: Problem) -> Problem:
    """With the form, unless the password is wanted first."""
    if problem.code == "password_again":
        raise problem
    return problem


@router.post("/ui/setup/pick")
async def pick(said: Fields, reader: Owner) -> Response:
    """Those that are ours, and at once what they say."""
    standing, texts = await draft.load(reader), said.root
    part = standing.get("find", {})
    answer = await answered(reader, part.get("request"))
    units = ((answer or {}).get("result") or {}).get("units", [])
    part["picked"] = texts
    try:
        if not units:
            raise wrong("host", "nobody was found yet", "look at an address first")
        part["meant"] = found.chosen(texts, part["searched"], units, part.get("meant") or {})
        standing["live"] = {"before": await ask(reader, "device-try", part["meant"])}
    except Problem as problem:
        await draft.keep(reader, standing)
        return await _find(reader, standing, _shown(problem))
    await draft.keep(reader, standing)
    return away("/ui/setup/live")


@router.post("/ui/setup/forget")
async def forget(reader: Owner) -> Response:
    """The devices chosen so far."""
    demand_owner(reader)
    standing = await draft.load(reader)
    standing["find"] = {"fields": standing.get("find", {}).get("fields", {})}
    standing.pop("live", None)
    await draft.keep(reader, standing)
    return away("/ui/setup/find")


async def _find(reader: Reader, standing: Draft, problem: Problem | None) -> Response:
    part = standing.get("find", {})
    answer = await answered(reader, part.get("request"))
    units = ((answer or {}).get("result") or {}).get("units", [])
    known = {d["key"] for d in (part.get("meant") or {}).get("devices", [])}
    taken_keys, keys = set[str](), {}
    for unit in units:
        if unit["fits"]:
            keys[unit["unit_id"]] = found.key_for(unit, taken_keys)
            taken_keys.add(keys[unit["unit_id"]])
    fields = {"port": "502", "transport": "modbus-tcp", "units": found.USUAL_UNITS} | part.get("fields", {})
    return reader.show(
        "setup_find", problem.status if problem else 200, step="find", draft=standing, fields=fields,
        picked=part.get("picked", {}), answer=answer, units=units, keys=keys, known=known,
        house=((answer or {}).get("result") or {}).get("home_assistant"), say=reader.said("UTC"),
        problem=problem and problem.body(), waits=answer is not None and answer["state"] in OPEN,
    )  # fmt: skip


@router.get("/ui/setup/live")
async def show_values(reader: Owner) -> Response:
    """What devices say, and what rose."""
    demand_owner(reader, fresh=True)
    standing = await draft.load(reader)
    if not (meant := standing.get("find", {}).get("meant")):
        return away("/ui/setup/find")
    part = standing.get("live", {})
    before, after = await answered(reader, part.get("before")), await answered(reader, part.get("after"))
    devices = [d["key"] for d in meant["devices"]]
    first, second = (_readings(answer) for answer in (before, after))
    shown = {d: (signs.values_of(first, d), signs.values_of(second, d)) for d in devices}
    verdicts = [signs.verdict(d, *shown[d]) for d in devices if "grid_power_w" in shown[d][0]] if second else []
    newest = after or before
    return reader.show(
        "setup_live", step="live", draft=standing, before=before, after=after, newest=newest, shown=shown,
        verdicts=verdicts, shown_names=SHOWN, points=((before or {}).get("result") or {}).get("grid_points", {}),
        readings=second or first, say=reader.said("UTC"), problem=None,
        waits=newest is not None and newest["state"] in OPEN,
    )  # fmt: skip


@router.post("/ui/setup/live")
async def read_again(said: Fields, reader: Owner) -> Response:
    """One more reading: the first, or the one after the kettle."""
    standing = await draft.load(reader)
    if not (meant := standing.get("find", {}).get("meant")):
        return away("/ui/setup/find")
    number = await ask(reader, "device-try", meant)
    part = standing.get("live", {})
    standing["live"] = part | {"after": number} if said.root.get("which") == "after" else {"before": number}
    standing["live"]["meant"] = standing["live"].get("after")
    await draft.keep(reader, standing)
    return away("/ui/setup/live")


def _readings(answer: Answered | None) -> list[dict[str, Any]]:
    return list(((answer or {}).get("result") or {}).get("readings", []))


async def said_by_devices(reader: Reader, standing: Draft) -> dict[str, Values]:
    """What each chosen device said when it was read, else when it was found."""
    devices = (standing.get("find", {}).get("meant") or {}).get("devices", [])
    read = _readings(await answered(reader, standing.get("live", {}).get("before")))
    search = await answered(reader, standing.get("find", {}).get("request"))
    units = {u["unit_id"]: u["fits"] for u in ((search or {}).get("result") or {}).get("units", [])}

    def at_first(device: dict[str, Any]) -> Values:
        fits = units.get(device.get("unit_id"), [])
        return next((f["values"] for f in fits if f["map"] == device["map"]), {})

    return {d["key"]: signs.values_of(read, d["key"]) or at_first(d) for d in devices}


@router.get("/ui/setup/energy")
async def ask_energy(reader: Owner) -> Response:
    """Batteries and roofs of the devices that have some."""
    demand_owner(reader)
    standing = await draft.load(reader)
    return await _energy(reader, standing, None)


@router.post("/ui/setup/energy")
async def take_energy(said: Fields, reader: Owner) -> Response:
    """On to the contract, or the form again."""
    demand_owner(reader)
    standing, texts = await draft.load(reader), said.root
    devices = await said_by_devices(reader, standing)
    problem = await taken(reader, standing, "energy", texts, lambda: energy.meant(texts, devices))
    return away("/ui/setup/contract") if problem is None else await _energy(reader, standing, problem)


async def _energy(reader: Reader, standing: Draft, problem: Problem | None) -> Response:
    devices = await said_by_devices(reader, standing)
    if not devices:
        return away("/ui/setup/find")
    guessed = {key: energy.guesses(said) for key, said in devices.items()}
    fields = {f"{key}.{name}": text for key, found_ in guessed.items() for name, text in found_.items()}
    fields |= standing.get("energy", {}).get("fields", {})
    return reader.show(
        "setup_energy", problem.status if problem else 200, step="energy", draft=standing, fields=fields,
        guessed=guessed, facings=energy.FACINGS, planes=energy.PLANES, problem=problem and problem.body(),
        batteries=[key for key, said in devices.items() if energy.has_battery(said)],
        roofs=[key for key, said in devices.items() if energy.has_pv(said)], others=list(devices),
    )  # fmt: skip
