"""What all records of a site file share: immutable, no unknown keys, times that cannot be misread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

KEY_PATTERN = r"^[a-z0-9][a-z0-9-]*$"
"""Keys become Dagster partition keys: a `|` or a comma there silently drops partitions."""

Key = Annotated[str, Field(pattern=KEY_PATTERN, max_length=40)]


def _quoted(value: object) -> object:
    """YAML 1.1 reads 22:00 without quotes as the number 1320 (base 60), which would become 00:22."""
    if isinstance(value, int | float):
        hours, minutes = divmod(int(value), 60)
        raise ValueError(f'a time without quotes is a number in YAML; write "{hours:02}:{minutes:02}" with its quotes')
    return value


Known = Mapping[str, Callable[[str], str]]
"""By kind of name (``map``, ``market_zone``): why a name means nothing outside the file; empty when it does."""


def known_as(kind: str) -> AfterValidator:
    """A name that must mean something to whoever reads the file; read back from the registry nobody is asked."""

    def ask(name: str, info: ValidationInfo) -> str:
        known: Known = info.context or {}
        if fault := known[kind](name) if kind in known else "":
            raise ValueError(fault)
        return name

    return AfterValidator(ask)


WallClock = Annotated[time, BeforeValidator(_quoted)]
"""Local time of day."""


def _ends(at: time) -> time:
    """A day ends at midnight; 23:59 would lose its last quarter-hour."""
    if (at.hour, at.minute) == (23, 59):
        raise ValueError(
            f'a window up to {at:%H:%M} leaves a minute of the day out; write "00:00" for the end of the day'
        )
    return at


WindowEnd = Annotated[time, BeforeValidator(_quoted), AfterValidator(_ends)]
"""Local time of day at which a window ends; 00:00 is the end of the day."""
Weekday = Annotated[int, Field(ge=0, le=6)]
"""0 = Monday."""


class Record(BaseModel):
    """Base of all site records: immutable, no unknown keys, no number that is none (``inf`` is stored as null)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


Pct = Annotated[float, Field(ge=0, le=100)]
Efficiency = Annotated[float, Field(gt=0.5, le=1.0)]
# Lower bounds catch kW and kWh written where W and Wh are asked for: nobody plans an 11 W inverter.
PowerW = Annotated[float, Field(ge=100, le=20_000_000)]
LimitW = Annotated[float, Field(ge=0, le=20_000_000)]
EnergyWh = Annotated[float, Field(ge=200, le=100_000_000)]
# Upper bounds keep sums finite and a solver's numbers sane; money is in site currency, forints and crowns included.
Money = Annotated[float, Field(ge=0, le=10_000_000)]
Price = Annotated[float, Field(ge=0, le=100_000)]
"""Money per kWh, kW, kelvin-hour or hour."""
Minutes = Annotated[int, Field(ge=0, le=10_080)]
