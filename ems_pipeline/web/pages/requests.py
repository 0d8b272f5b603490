"""Requests: where what was asked of the pipeline stands, and how it ended."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Response

from ems_pipeline.api.routes import requests
from ems_pipeline.api.routes.requests import RequestId
from ems_pipeline.web import site as sites
from ems_pipeline.web.reader import Page, Reader, reads

router = APIRouter(route_class=Page)
READ = reads("requests:read")
LAST = 50
LONGEST_RESULT = 20_000


@router.get("/ui/requests")
async def page(reader: Annotated[Reader, READ]) -> Response:
    """The last ones, newest first."""
    found = await requests.requests(reader.known, reader.web, limit=LAST)
    return reader.show("requests", requests=found["items"], say=reader.said("UTC"))


@router.get("/ui/requests/{request_id}")
async def one(request_id: RequestId, reader: Annotated[Reader, READ]) -> Response:
    """One of them; its page looks again by itself until it has ended."""
    found = await requests.request(request_id, reader.known, reader.web)
    head = await sites.head(reader, found["site"]) if found["site"] and reader.known.sees(found["site"]) else None
    say = head.said if head else reader.said("UTC")
    is_open = found["state"] in ("queued", "running")
    result = found["result"] or {}
    return reader.show(
        "request", request=found, head=head, say=say, is_open=is_open, readings=result.get("readings"),
        result=_written(result),
    )  # fmt: skip


def _written(result: dict[str, Any]) -> str:
    """What else it brought, as text."""
    rest = {name: value for name, value in result.items() if name != "readings"}
    return json.dumps(rest, ensure_ascii=False, indent=2)[:LONGEST_RESULT] if rest else ""
