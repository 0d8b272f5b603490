"""Inputs by which a grid operator asks for less: a dry contact or a limit in watts, read from a device of the site.

Section 14a EnWG (BNetzA BK6-22-300): what is controllable may be asked to draw no more than 4.2 kW each, or all of it
together no more than a formula says where one system steers them. The rest of the house does not count, and what the
site makes itself may be used.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ems_pipeline.sites.record import Key, LimitW, Record

ONE_W = 4200.0
"""What one controllable device may draw at least."""
HEAT_SHARE = 0.4
"""Of the power of all heat pumps, where that is more."""
TOGETHER = (1.0, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45)
"""How much of 4.2 kW counts for each further device, by how many there are; from nine on the last."""


class DemandInput(Record):
    """One input; its device's map says `demand_limited` (1 while less is asked) or `demand_limit_w`."""

    key: Key
    device: Key
    limit_w: LimitW | None = None
    """What the assets may draw together; without it by the formula of section 14a."""
    assets: tuple[Key, ...] = ()
    """Chargers, heat pumps and batteries that are dimmed; empty: all of them."""
    when_unreadable: Literal["limit", "ignore"] = "limit"
    """What holds while nobody can read the input: the limit, which is safe, or nothing."""


def least_w(draws_w: Iterable[float], heat_w: float) -> float:
    """What the formula of section 14a leaves to controllable devices together, W.

    Args:
        draws_w: what each of them can draw; at most 4.2 kW is not controllable in its sense.
        heat_w: of that the heat pumps'.
    """
    count = sum(draw_w > ONE_W for draw_w in draws_w)
    factor = TOGETHER[min(max(count, 1), len(TOGETHER)) - 1]
    return max(HEAT_SHARE * heat_w, ONE_W) + max(count - 1, 0) * factor * ONE_W
