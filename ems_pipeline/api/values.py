"""How a field is told in the schema: what it is, its unit, an example, and between what it lies.

Bounds of an answer are said and not demanded: what a meter measured outside them is shown, and never an error.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.config import JsonDict

from ems_pipeline.sites.record import KEY_PATTERN

KEY = KEY_PATTERN
SiteKey = Annotated[
    str,
    StringConstraints(pattern=KEY, max_length=64),
    Field(description="Key, as the site's file says it.", examples=["home01"]),
]
"""Key of a site, an asset or a device, as its site file says."""
OneSite = Annotated[SiteKey | None, Query(description="Of one site only.")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Number, as its list tells it.", examples=[17])]
"""Number of a row, in a path."""
LARGEST_W = 1e9


class Answer(BaseModel):
    """What a route answers with; a number that is none (NaN, infinity) is null."""

    model_config = ConfigDict(ser_json_inf_nan="null")


def said(what: str, example: Any, unit: str = "", least: float | None = None, most: float | None = None) -> Any:
    """A field of an answer."""
    bounds = {"unit": unit or None, "minimum": least, "maximum": most}
    extra: JsonDict = {name: value for name, value in bounds.items() if value is not None}
    return Field(description=what, examples=[example], json_schema_extra=extra)


def power_kw(what: str, example: float) -> Any:
    """A power in an answer."""
    return said(what, example, "kW", -1e6, 1e6)


def energy_kwh(what: str, example: float) -> Any:
    """An energy in an answer, none of them negative."""
    return said(what, example, "kWh", 0, 1e9)


def share_pct(what: str, example: float) -> Any:
    """A share in an answer."""
    return said(what, example, "%", 0, 100)


def money(what: str, example: str) -> Any:
    """Money in an answer: a decimal number as text, in the currency that stands beside it."""
    return said(what, example, "currency")


def instant(what: str, example: str = "2026-03-01T12:15:00Z") -> Any:
    """An instant in an answer."""
    return said(what, example, "RFC 3339, UTC")


def kilo(column: str) -> str:
    """SQL: W -> kW, Wh -> kWh, to the tenth of a watt; what is no number is null."""
    return f"round(nullif(({column})::numeric, 'NaN') / 1000, 4)::float8"


def rounded(column: str) -> str:
    """SQL: four places, which is more than any meter has."""
    return f"round(nullif(({column})::numeric, 'NaN'), 4)::float8"


def decimal(column: str) -> str:
    """SQL: money as text with four places."""
    return f"round(nullif(({column})::numeric, 'NaN'), 4)::text"
