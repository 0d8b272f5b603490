"""Style, script and icons: served from memory under a name that changes with the content, so browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import Response

from ems_pipeline.api.problems import Problem
from ems_pipeline.pictures import palette

HERE = Path(__file__).with_name("static")
STYLE = "pages.css"
"""The pages' own rules, and behind them the colours of the pictures."""
WORKER = "push.js"
KEPT = "public, max-age=31536000, immutable"
TYPES = {".webmanifest": "application/manifest+json", ".js": "text/javascript; charset=utf-8"}
router = APIRouter()


@dataclass(frozen=True)
class Asset:
    """A file of ours in memory."""

    content: bytes
    packed: bytes
    kind: str
    digest: str


@cache
def asset(name: str) -> Asset | None:
    """By its name; None: there is none."""
    file = HERE / name
    if file.parent != HERE or not file.is_file():
        return None
    content = file.read_bytes() + (palette.stylesheet().encode() if name == STYLE else b"")
    kind = TYPES.get(file.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(content, gzip.compress(content, 9, mtime=0), kind, hashlib.sha256(content).hexdigest()[:12])


@cache
def address(name: str) -> str:
    """Where a page finds it."""
    found = asset(name)
    assert found is not None, name
    return f"/ui/static/{found.digest}/{name}"


@router.get("/ui/push.js")
async def push_worker() -> Response:
    """What shows messages while no page is open; at this address, for it may do so for what stands below it alone."""
    found = asset(WORKER)
    assert found is not None
    return Response(found.content, media_type=found.kind, headers={"cache-control": "no-cache"})


@router.get("/ui/static/{digest}/{name}")
async def static(digest: str, name: str, request: Request) -> Response:
    """The file; under an older name the newest, which a page of before then does not keep."""
    found = asset(name)
    if found is None:
        raise Problem(404, "not_found", "There is nothing here", f"no file {name[:60]!r}", "load the page again")
    headers = {"cache-control": KEPT if digest == found.digest else "no-cache", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", "") and len(found.packed) < len(found.content):
        return Response(found.packed, media_type=found.kind, headers=headers | {"content-encoding": "gzip"})
    return Response(found.content, media_type=found.kind, headers=headers)
