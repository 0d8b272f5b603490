"""What an owner may wonder about (another battery, roof or contract), and the study that answers it.

A study like any other: its home is the site as it is, lived by the fast method along the forecast alone, and every
variant changes one thing of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ems_pipeline.backtest.study import Files, Forecaster, Home, Study, StudyInvalid, Variant
from ems_pipeline.sites import Site
from ems_pipeline.sites.record import Key, Record
from ems_pipeline.sites.revised import Document, said_by
from ems_pipeline.units import from_kilo, kilo

AS_IS = "as-is"
LADDER = (0.5, 1.5, 2.0, 3.0)
"""Sizes that are tried where none is named, as parts of what there is."""
FIRST_KWH = (5.0, 10.0, 15.0, 20.0)
"""The same for a house without a battery."""
HOURS = 2.0
"""A battery that is not there yet is one that is charged and emptied in so many hours."""
NO_BATTERY_WH, NO_BATTERY_W = 200.0, 100.0
"""The smallest a site file takes. Of it a thousandth is used: a house without a battery is lived by the same loop."""
Left = Literal["batteries", "inverters", "efficiency", "courses", "capacity"]
"""What of a site is simplified: several batteries are one, AC limits of inverters and an efficiency by power or charge
are left out, plans go along the forecast alone, a charge on the peak is not in the money."""
Kwh = Annotated[float, Field(ge=0, le=1000)]
Kwp = Annotated[float, Field(gt=0, le=1000)]
PerUnit = Annotated[float, Field(ge=0, le=10_000_000)]


class Contract(Record):
    """Another price of energy in the contract that holds; network, levies and what is paid for export stay."""

    kind: Literal["fixed", "spot"]
    per_kwh: float = Field(ge=-20, le=50)
    """The price, or what the supplier takes on top of the market's, before VAT in site currency."""
    low_per_kwh: float | None = Field(None, ge=-20, le=50)
    """A fixed price in the low register of the network's contract."""
    monthly: float | None = Field(None, ge=0, le=1_000_000)
    """All fees of a month before VAT, in place of those of today; None: the same as today."""

    @property
    def energy(self) -> Document:
        """As the terms of a contract say it."""
        if self.kind == "spot":
            return {"kind": "spot", "fee_per_kwh": self.per_kwh}
        low = {} if self.low_per_kwh is None else {"low_price_per_kwh": self.low_per_kwh}
        return {"kind": "fixed", "price_per_kwh": self.per_kwh, **low}

    @property
    def name(self) -> str:
        """For people and keys, e.g. ``fixed-3.2``."""
        low = "" if self.low_per_kwh is None else f"-{self.low_per_kwh:g}"
        return f"{self.kind}-{self.per_kwh:g}{low}"


class Question(Record):
    """What is asked about a site, and what the investments cost in its currency; a price not said is not known."""

    battery_kwh: tuple[Kwh, ...] = Field((), max_length=8)
    pv_kwp: tuple[Kwp, ...] = Field((), max_length=8)
    contracts: tuple[Contract, ...] = Field((), max_length=8)
    tariffs: dict[Key, Document] = Field(default_factory=dict, max_length=8)
    """Patches of the tariff, by name."""
    battery_price_per_kwh: PerUnit | None = None
    pv_price_per_kwp: PerUnit | None = None
    forecaster: Forecaster = "model"

    @model_validator(mode="after")
    def _once(self) -> Question:
        for name in ("battery_kwh", "pv_kwp", "contracts"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names one twice; name each once")
        return self

    def about(self, site: Site) -> Question:
        """With a ladder of sizes where it names nothing."""
        if self.battery_kwh or self.pv_kwp or self.contracts or self.tariffs:
            return self
        has_kwh, has_kwp = battery_kwh(site), pv_kwp(site)
        batteries = (0.0, *(round(part * has_kwh, 1) for part in LADDER)) if has_kwh else FIRST_KWH
        roofs = tuple(round(part * has_kwp, 1) for part in LADDER if part > 1) if has_kwp else ()
        return self.model_copy(update={"battery_kwh": batteries, "pv_kwp": roofs})


def battery_kwh(site: Site) -> float:
    """What the batteries of a site hold."""
    return kilo(sum(battery.capacity_wh for battery in site.batteries))


def pv_kwp(site: Site) -> float:
    """What the roofs of a site make at most."""
    return kilo(sum(array.peak_power_w for array in site.pv))


def study(site: Site, asked: Question, days: tuple[date, date], files: Files | None = None) -> Study:
    """The study that answers; the same question is the same study, and goes on where it was.

    Raises:
        StudyInvalid: it asks for what the site cannot be lived with.
    """
    home = Home(key=site.key, site=as_lived(site), history=files)
    plain = {AS_IS: Variant()} | dict(_variants(site, asked))
    variants = {name: one.model_copy(update={"forecaster": asked.forecaster}) for name, one in plain.items()}
    whole = Study(study="what-if", first=days[0], last=days[1], homes=(home,), variants=variants)
    for variant in variants.values():
        variant.of(home)
    digest = hashlib.sha256(whole.model_dump_json().encode()).hexdigest()
    return whole.model_copy(update={"study": f"what-if-{digest[:12]}"})


def simplified(site: Site) -> tuple[Left, ...]:
    """What of a site its study leaves out."""
    by_power = any(one.efficiency_steps or one.efficiency_bands or one.taper for one in site.batteries)
    found: dict[Left, bool] = {
        "batteries": len(site.batteries) > 1, "inverters": bool(site.inverters), "efficiency": by_power,
        "courses": site.planning.courses, "capacity": any(period.capacity for period in site.tariff.periods),
    }  # fmt: skip
    return tuple(name for name, is_so in found.items() if is_so)


def as_lived(site: Site) -> Document:
    """The document of a site as a study can live it: one battery with constant efficiencies, no AC limits."""
    said = said_by(site)
    said.pop("inverters", None)
    said["planning"] = said.get("planning", {}) | {"courses": False}
    periods = [{k: v for k, v in period.items() if k != "capacity"} for period in said["tariff"]["periods"]]
    said["tariff"] = said["tariff"] | {"periods": periods}
    said["batteries"] = [_one_battery(said.get("batteries", []))]
    return said


def _one_battery(said: list[Document]) -> Document:
    if not said:
        return _battery(0.0, {})
    sums = {k: sum(one[k] for one in said) for k in ("capacity_wh", "charge_limit_w", "discharge_limit_w")}
    dropped = ("efficiency_steps", "efficiency_bands", "taper")
    return {k: v for k, v in said[0].items() if k not in dropped} | sums


def _battery(capacity_kwh: float, now: Document) -> Document:
    """A battery of another size: powers stay those of the inverter that is there."""
    if not capacity_kwh:
        middle = {"min_soc_pct": 50.0, "reserve_soc_pct": 50.0, "max_soc_pct": 50.1}
        powers = {"charge_limit_w": NO_BATTERY_W, "discharge_limit_w": NO_BATTERY_W}
        return {"key": "none", "device": None, "capacity_wh": NO_BATTERY_WH} | powers | middle
    capacity_wh = from_kilo(capacity_kwh)
    if now:
        return now | {"capacity_wh": capacity_wh}
    powers = dict.fromkeys(("charge_limit_w", "discharge_limit_w"), capacity_wh / HOURS)
    return {"key": "pack", "device": None, "capacity_wh": capacity_wh} | powers


def _variants(site: Site, asked: Question) -> Iterator[tuple[str, Variant]]:
    said = as_lived(site)
    now = said["batteries"][0] if site.batteries else {}
    for size in asked.battery_kwh:
        yield _key("battery", size), Variant(site={"batteries": [_battery(size, now)]})
    if asked.pv_kwp and not site.pv:
        raise StudyInvalid(f"{site.key} has no PV, so nobody has measured what a roof there makes", "ask without PV")
    for size in asked.pv_kwp:
        part = size / pv_kwp(site)
        yield _key("pv", size), Variant(site={"pv": {a.key: {"peak_power_w": a.peak_power_w * part} for a in site.pv}})
    for contract in asked.contracts:
        periods = [_under(period, contract) for period in said["tariff"]["periods"]]
        yield _named(contract.name), Variant(tariff={"name": contract.name, "periods": periods})
    for name, patch in asked.tariffs.items():
        yield _named(name), Variant(tariff={"name": name} | patch)


def _under(period: dict[str, Any], contract: Contract) -> Document:
    fees = {} if contract.monthly is None else {"monthly": {"all": contract.monthly}}
    return period | {"energy": contract.energy} | fees


def _key(kind: str, size: float) -> str:
    return f"{kind}-{size:g}".replace(".", "p")


def _named(name: str) -> str:
    return f"tariff-{name}".lower().replace(".", "p").replace("--", "-minus-")[:40]
