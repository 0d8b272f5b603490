"""Drafts of templates: what was read in a regulation, line by line, and a person's word for what it does not say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from ems_pipeline.api.problems import Problem
from ems_pipeline.api.routes import maintenance_drafts
from ems_pipeline.api.values import Number, SiteKey
from ems_pipeline.regulation.file import WrongDraft, interval_of
from ems_pipeline.web import site as sites
from ems_pipeline.web.forms import EMPTY_IS_NONE, Done, Form, Wanted, understood
from ems_pipeline.web.reader import Page, Reader, away, reads

router = APIRouter(route_class=Page)
READ, WRITE = reads("maintenance:read"), reads("maintenance:write")
Maybe = Annotated[str | None, EMPTY_IS_NONE]


class ConfirmForm(Form):
    """What the document does not say; several codes and intervals with spaces between them."""

    template: str = Field(max_length=40)
    name: str = Field(max_length=200)
    minutes: Wanted = Field(None, ge=0, le=2880)
    system: Maybe = Field(None, max_length=200)
    kind: Maybe = Field(None, max_length=20)
    level: Maybe = Field(None, max_length=20)
    intervals: str = Field("", max_length=400)
    left_out: str = Field("", max_length=4000)
    is_original_shown: Literal["", "on"] = ""

    def wish(self) -> maintenance_drafts.Confirmation:
        """As the API takes it. WrongDraft: an interval is none."""
        levels = {
            name: {"hours": hours, "months": months}
            for name, (hours, months) in map(interval_of, self.intervals.split())
        }
        minutes = None if self.minutes is None else int(self.minutes)
        said = self.model_dump(exclude={"intervals"}) | {
            "minutes": minutes, "levels": levels, "left_out": self.left_out.split(),
            "is_original_shown": bool(self.is_original_shown),
        }  # fmt: skip
        return understood(maintenance_drafts.Confirmation, said)


@router.get("/ui/{site}/maintenance/drafts")
async def listed(site: SiteKey, reader: Annotated[Reader, READ], done: Done = "") -> Response:
    """Those that nobody has confirmed yet."""
    head = await sites.head(reader, site)
    found = (await maintenance_drafts.drafts(reader.known, reader.web))["items"]
    return reader.show("maintenance_drafts", head=head, drafts=found, done=done)


@router.get("/ui/{site}/maintenance/drafts/{draft_id}")
async def page(site: SiteKey, draft_id: Number, reader: Annotated[Reader, READ]) -> Response:
    """Level by level and line by line, with where each stands in the document."""
    return await _shown(reader, site, draft_id)


@router.post("/ui/{site}/maintenance/drafts/{draft_id}")
async def confirm(site: SiteKey, draft_id: Number, form: ConfirmForm, reader: Annotated[Reader, WRITE]) -> Response:
    """It becomes a template, or what is still unknown is told."""
    try:
        await maintenance_drafts.confirm(draft_id, form.wish(), reader.known, reader.web)
    except WrongDraft as fault:
        problem = Problem(422, "invalid", "No interval", fault.what, fault.remedy, "intervals")
        return await _shown(reader, site, draft_id, 422, problem=problem, said=form)
    except Problem as problem:
        if problem.status == 404:
            raise
        return await _shown(reader, site, draft_id, problem.status, problem=problem, said=form)
    return away(f"/ui/{site}/maintenance/drafts?done=confirmed")


@router.post("/ui/{site}/maintenance/drafts/{draft_id}/away")
async def put_away(site: SiteKey, draft_id: Number, reader: Annotated[Reader, WRITE]) -> Response:
    """It becomes nothing."""
    await maintenance_drafts.put_away(draft_id, reader.known, reader.web)
    return away(f"/ui/{site}/maintenance/drafts?done=away")


async def _shown(reader: Reader, site: str, draft_id: int, status: int = 200, **more: Any) -> Response:
    head = await sites.head(reader, site)
    draft = await maintenance_drafts.draft(draft_id, reader.known, reader.web)
    return reader.show("maintenance_draft", status, head=head, draft=draft, **{"problem": None, "said": None} | more)
