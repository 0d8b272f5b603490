"""What if: another battery, roof or contract over the site's own year; asked here, lived by the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from markupsafe import Markup
from pydantic import Field

from ems_pipeline.api.reading import Row, absent, rows
from ems_pipeline.api.routes import requests, studies
from ems_pipeline.api.routes.requests import RequestId
from ems_pipeline.api.routes.studies import ANSWERED, WhatIfWish
from ems_pipeline.api.values import SiteKey
from ems_pipeline.api.windows import out_of_range
from ems_pipeline.pictures.slot_chart import Form as PictureForm
from ems_pipeline.pictures.whiskers import Whisker, Whiskers, whiskers
from ems_pipeline.web import drawn
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import Form, Wanted, understood
from ems_pipeline.web.reader import Page, Reader, away, reads
from ems_pipeline.web.said import Said

router = APIRouter(route_class=Page)
READ, WRITE = reads("studies:read"), reads("studies:write")
LAST = 5
YEAR_DAYS = 365


class Asked(Form):
    """What the form says; sizes are numbers between spaces or semicolons."""

    battery_kwh: str = Field("", max_length=100)
    pv_kwp: str = Field("", max_length=100)
    contract: Literal["", "fixed", "spot"] = ""
    per_kwh: Wanted = None
    low_per_kwh: Wanted = None
    battery_price: Wanted = None
    pv_price: Wanted = None

    def wish(self) -> WhatIfWish:
        """As the API takes it."""
        contracts = []
        if self.contract:
            if self.per_kwh is None:
                raise out_of_range("per_kwh", "the contract has no price", "fill in its price of a kWh")
            low = {} if self.low_per_kwh is None else {"low_per_kwh": self.low_per_kwh}
            contracts = [{"kind": self.contract, "per_kwh": self.per_kwh} | low]
        return understood(WhatIfWish, {
            "battery_kwh": _sizes("battery_kwh", self.battery_kwh), "pv_kwp": _sizes("pv_kwp", self.pv_kwp),
            "contracts": contracts, "battery_price_per_kwh": self.battery_price, "pv_price_per_kwp": self.pv_price,
        })  # fmt: skip


def _sizes(name: str, text: str) -> list[float]:
    try:
        return [float(one.replace(",", ".")) for one in text.replace(";", " ").split()]
    except ValueError:
        raise out_of_range(name, f"{text!r} is no list of sizes", "write numbers with spaces, e.g. 10 15 20") from None


@router.get("/ui/{site}/what-if")
async def page(site: SiteKey, reader: Annotated[Reader, READ]) -> Response:
    """The form, and what was answered last."""
    head = await sites.head(reader, site)
    found = await studies.answered(head.key, reader.known, reader.web, limit=LAST)
    shown = [_shown(head.said, one) for one in found["items"]]
    return reader.show("what_if", head=head, answers=shown, request=None, is_open=False)


@router.post("/ui/{site}/what-if")
async def ask(site: SiteKey, form: Asked, reader: Annotated[Reader, WRITE]) -> Response:
    """A request, whose page shows what comes of it."""
    filed = await studies.ask(site, form.wish(), reader.known, reader.web)
    return away(f"/ui/{site}/what-if/{filed.request_id}")


@router.get("/ui/{site}/what-if/{request_id}")
async def one(site: SiteKey, request_id: RequestId, reader: Annotated[Reader, READ]) -> Response:
    """Where it stands, and its table once it is answered."""
    head = await sites.head(reader, site)
    found = await requests.request(request_id, reader.known, reader.web)
    if found["kind"] != "what-if" or found["site"] != head.key:
        raise absent(f"{request_id} is no what-if of {head.key}", "GET /api/v1/requests lists them")
    answers: list[Row] = []
    if found["result"]:
        async with reader.web.database.reading(reader.known) as connection:
            answers = await rows(
                connection, ANSWERED, site=head.key, key=str(found["result"]["what_if"]), at=None, last=None, limit=1
            )
    is_open = found["state"] in ("queued", "running")
    return reader.show(
        "what_if", head=head, answers=[_shown(head.said, one) for one in answers], request=found, is_open=is_open
    )


def _shown(said: Said, answer: Row) -> dict[str, Any]:
    """An answer with its picture."""
    picture = drawn.both(_saved(said, answer["currency"], answer["variants"][1:])) if answer["variants"][1:] else None
    is_short = answer["lived_days"] < YEAR_DAYS - 1
    return {**answer, "picture": picture, "is_short": is_short, "say": replace(said, currency=answer["currency"])}


def _saved(said: Said, currency: str, variants: Sequence[Row]) -> drawn.Drawn:
    """What each variant saves a year, with its interval."""
    shown = [Whisker(one["variant"], one["saved"], one["saved_low"], one["saved_high"]) for one in variants]

    def draw(texts: drawn.Texts) -> Callable[[PictureForm], Markup]:
        chart = Whiskers(shown, currency, texts["title"], texts["summary"], words=drawn.words(said, texts))
        return lambda form: whiskers(replace(chart, form=form))

    return draw
