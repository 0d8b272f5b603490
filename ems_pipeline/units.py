"""Power and energy, money per kWh and per MWh: the only conversions in the code base.

Names carry their unit (`power_w`, `energy_wh`, `soc_pct`, `price_eur_per_mwh`, `buy_per_kwh`), so a line that mixes
units looks wrong. Add a conversion here when two modules would otherwise both write the factor.

Sign convention of the site's bus, used everywhere inside (drivers convert at the edge):

    grid_w + pv_w + battery_w + genset_w = load_w + ev_w + heat_pump_w

Sources are positive when they feed the bus: ``grid_w`` > 0 is import, ``battery_w`` > 0 is discharge, ``pv_w`` >= 0.
Consumers are positive when they draw from it. ``load_w`` is what is left: the house without its planned devices.
"""

from __future__ import annotations

import math
import re
from typing import Any, TypeVar

SLOT_HOURS = 0.25
"""Hours in a slot: the quarter-hour is the market's unit (MTU) and the planner's step."""

Number = TypeVar("Number", bound=Any)
"""A float, a numpy array or a polars expression: each conversion is one multiplication."""


def slot_energy_wh(power_w: Number) -> Number:
    """Energy of a mean power held for one slot: W -> Wh."""
    converted: Number = power_w * SLOT_HOURS
    return converted


def slot_power_w(energy_wh: Number) -> Number:
    """Mean power that moves an energy within one slot: Wh -> W."""
    converted: Number = energy_wh / SLOT_HOURS
    return converted


def per_kwh(price_per_mwh: Number) -> Number:
    """Money per MWh -> money per kWh (the same currency)."""
    converted: Number = price_per_mwh / 1000.0
    return converted


def per_mwh(price_per_kwh: Number) -> Number:
    """Money per kWh -> money per MWh (the same currency)."""
    converted: Number = price_per_kwh * 1000.0
    return converted


def kilo(value: Number) -> Number:
    """W -> kW, Wh -> kWh."""
    converted: Number = value / 1000.0
    return converted


def from_kilo(value: Number) -> Number:
    """kW -> W, kWh -> Wh."""
    converted: Number = value * 1000.0
    return converted


PRINTED_NUMBER = re.compile(
    r"""\s*([+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)  # a decimal point, perhaps an exponent
    \s*((?:[^\s0-9.,;:'_+-](?:.*\S)?)?)\s*""",  # perhaps a word behind, which no digit or separator begins
    re.VERBOSE | re.DOTALL,
)


def number_and_unit(text: str) -> tuple[float, str]:
    """The number a text is, and the unit printed behind it (empty: none).

    Read whole or not at all: of ``21,5``, ``1 234.5``, ``1_000`` or ``nan`` no part is the number that was meant.

    Raises:
        ValueError: why it is none.
    """
    found = PRINTED_NUMBER.fullmatch(text)
    if found is None:
        raise ValueError("which is no number as a whole: digits, at most one decimal point, perhaps a unit behind")
    if not math.isfinite(number := float(found[1])):
        raise ValueError("which is too large for a number")
    return number, found[2]


KELVIN_AT_0_C = 273.15


def kelvin(celsius: Number) -> Number:
    """Degrees Celsius -> kelvin."""
    converted: Number = celsius + KELVIN_AT_0_C
    return converted
