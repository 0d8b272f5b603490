"""GET /docs: the schema as a page for people, drawn here; nothing in it is loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from markupsafe import Markup, escape

from ems_pipeline.api.caller import Anybody, Caller

router = APIRouter(tags=["docs"])
PAGE = Path(__file__).with_name("docs.html.j2")
STYLE = Path(__file__).with_name("docs.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
CODE = re.compile(r"`{1,2}([^`]+)`{1,2}")
POLICY = f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'"


@router.get("/docs", response_class=HTMLResponse, summary="The paths as a page for people")
async def docs(request: Request, _caller: Annotated[Caller | None, Depends(Anybody())]) -> HTMLResponse:
    """Every path with what it takes, what it answers, and an example; works without a network and without scripts."""
    return HTMLResponse(_drawn(request.app), headers={"content-security-policy": POLICY})


@cache
def _drawn(app: FastAPI) -> str:
    """Once per process: the schema does not change."""
    told = app.openapi()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            one = {"method": method.upper(), "path": path, **operation}
            groups.setdefault(operation["tags"][0], []).append(one)
    drawing = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    drawing.filters["spoken"] = spoken
    page = drawing.from_string(PAGE.read_text(encoding="utf-8"))
    models = {name: model for name, model in told["components"]["schemas"].items() if model.get("properties")}
    return page.render(info=told["info"], groups=groups, models=models, style=STYLE, kind=kind)


def spoken(text: str) -> Markup:
    """A sentence of the schema, with what stands between backticks as code."""
    return Markup(CODE.sub(r"<code>\1</code>", str(escape(text))))


def kind(told: dict[str, Any]) -> str:
    """What a field or a parameter holds, in a few words, with its bounds and unit."""
    if "$ref" in told:
        return str(told["$ref"].rpartition("/")[2])
    if "anyOf" in told:
        words = " or ".join(dict.fromkeys(kind(one) for one in told["anyOf"]))
    elif told.get("type") == "array":
        words = f"list of {kind(told.get('items', {}))}"
    elif "enum" in told:
        words = " | ".join(map(str, told["enum"]))
    else:
        words = str(told.get("const", told.get("format", told.get("type", "any"))))
    least, most = (told.get(name, told.get(f"exclusive{name.capitalize()}")) for name in ("minimum", "maximum"))
    bounds = f" from {least:g}" if least is not None else ""
    bounds += f" to {most:g}" if most is not None else ""
    return words + bounds + (f" ({told['unit']})" if "unit" in told else "")
