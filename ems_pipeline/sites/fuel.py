"""What an engine burns and what that costs: gas by the cubic metre, from the straight curve of its input."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from ems_pipeline.sites.record import Price, Record

REFERENCE_W = 160_000.0
IDLE_INPUT_W = 47_000.0
"""Gas input of a turning 160 kW set without load; with `INPUT_PER_OUTPUT` an affine fit of data sheets."""
INPUT_PER_OUTPUT = 2.52
UPPER_PER_LOWER = 1.11
"""Natural gas: energy by the upper heating value, by which it is often billed, per energy by the lower one."""
KG_PER_KWH = 0.57
"""CO2 of a gas set per kWh of electricity: 0.202 kg per kWh of gas (lower heating value) at its usual load."""


class FuelCurve(NamedTuple):
    """Money per kWh given and per hour of turning, and cubic metres per kWh (0: not known)."""

    per_kwh: float
    idle_per_h: float
    m3_per_kwh: float = 0.0


class GasPrice(Record):
    """What gas costs from a local day on: by the cubic metre, or by the kWh of a stated heating value."""

    valid_from: date
    per_m3: Price | None = None
    per_kwh: Price | None = None
    heating_value: Literal["upper", "lower"] | None = None

    @model_validator(mode="after")
    def _unit_is_known(self) -> Self:
        if (self.per_m3 is None) == (self.per_kwh is None):
            raise ValueError(
                f"gas from {self.valid_from} has per_m3 {self.per_m3} and per_kwh {self.per_kwh}; give one"
            )
        if (self.per_kwh is None) != (self.heating_value is None):
            raise ValueError(
                f"gas from {self.valid_from}: per_kwh is {self.per_kwh}, heating_value {self.heating_value}; the "
                "upper one is 11 % above the lower: give per_kwh with heating_value upper or lower, or per_m3 alone"
            )
        return self

    def of_m3(self, lower_kwh_per_m3: float) -> float:
        """Money per cubic metre."""
        if self.per_m3 is not None:
            return self.per_m3
        assert self.per_kwh is not None
        return self.per_kwh * lower_kwh_per_m3 * (UPPER_PER_LOWER if self.heating_value == "upper" else 1.0)


class Gas(Record):
    """Gas with dated prices. Input is ``idle_input_w + input_per_output * power``, W by the lower heating value."""

    prices: tuple[GasPrice, ...] = Field(min_length=1)
    lower_kwh_per_m3: float = Field(9.5, ge=5.0, le=10.2)
    """Lower heating value: natural gas 9 to 10, biogas about 6; 10.3 and more is the upper one."""
    input_per_output: float = Field(INPUT_PER_OUTPUT, ge=2.0, le=5.0)
    idle_input_w: float | None = Field(None, ge=0, le=20_000_000)
    """None: that of the 160 kW set, scaled by rating."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        days = [price.valid_from for price in self.prices]
        for earlier, later in pairwise(days):
            if later <= earlier:
                raise ValueError(
                    f"gas prices begin on {earlier} and then on {later}; give them in order, each day once"
                )
        return self

    def curve(self, day: date, rated_w: float) -> FuelCurve:
        """Of a set of ``rated_w`` on a local day.

        Raises:
            LookupError: no price holds on that day; the text says from when one does.
        """
        held = [price for price in self.prices if price.valid_from <= day]
        if not held:
            raise LookupError(
                f"gas has no price on {day}, the first begins on {self.prices[0].valid_from}; add one to the site file"
            )
        per_m3 = held[-1].of_m3(self.lower_kwh_per_m3)
        idle_w = IDLE_INPUT_W * rated_w / REFERENCE_W if self.idle_input_w is None else self.idle_input_w
        m3_per_kwh, idle_m3 = self.input_per_output / self.lower_kwh_per_m3, idle_w / 1000 / self.lower_kwh_per_m3
        return FuelCurve(per_m3 * m3_per_kwh, per_m3 * idle_m3, m3_per_kwh)
