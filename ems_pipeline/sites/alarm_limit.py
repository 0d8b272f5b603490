"""Limits on a genset's values whose crossing is an alarm of our own, beside those of its controller."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ems_pipeline.sites.record import Record

DelayS = Annotated[float, Field(ge=0, le=3600)]


class AlarmLimit(Record):
    """A value that is not to be above or below a bound, in the unit of its name."""

    value: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """As the controller's map calls it: ``coolant_c``, ``oil_kpa``, ``battery_v``, ``fuel_pct`` ..."""
    above: float | None = Field(None, ge=-1e9, le=1e9)
    below: float | None = Field(None, ge=-1e9, le=1e9)
    on_delay_s: DelayS = 5.0
    off_delay_s: DelayS = 15.0
    deadband_pct: float = Field(2.0, ge=0, le=50)
    """Of the bound, by which the value has to come back."""
    while_running: bool = False
    """Looked at only while the engine runs, such as oil pressure."""

    @model_validator(mode="after")
    def _has_one_bound(self) -> AlarmLimit:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"the limit on {self.value} needs either `above` or `below`; write two entries for both")
        return self
