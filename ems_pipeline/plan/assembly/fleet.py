"""Fleets are planned as one battery each: batteries that are alike have as many equal plans as there are orders of
them, and one that charges another is no plan at all. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ems_pipeline.arrays import Array
from ems_pipeline.plan.assembly.inputs import PlanInputs
from ems_pipeline.sites import Battery, Fleet, Site


def as_one(site: Site, inputs: PlanInputs) -> tuple[Site, PlanInputs]:
    """The site and what is known of it with each fleet as one battery; a fleet of which only one is left is none."""
    fleets = [f for f in site.fleets if len(f.members(site.batteries)) > 1]
    if not fleets:
        return site, inputs
    wholes = {f.key: f.whole(site.batteries) for f in fleets}
    within = {key: f.key for f in fleets for key in f.batteries}
    keys = dict.fromkeys(within.get(b.key, b.key) for b in site.batteries)
    own = {b.key: b for b in site.batteries}
    soc_pct = dict(inputs.state.soc_pct) | {f.key: _charge(f, site, inputs.state.soc_pct) for f in fleets}
    known = replace(
        inputs,
        state=replace(inputs.state, soc_pct={key: soc_pct[key] for key in keys}),
        previous_w=_added(fleets, inputs.previous_w),
    )
    batteries: tuple[Battery, ...] = tuple(wholes.get(key) or own[key] for key in keys)
    return site.model_copy(update={"batteries": batteries}), known


def _charge(fleet: Fleet, site: Site, soc_pct: Mapping[str, float]) -> float:
    members = fleet.members(site.batteries)
    return sum(soc_pct[b.key] * b.capacity_wh for b in members) / sum(b.capacity_wh for b in members)


def _added(fleets: list[Fleet], previous_w: Mapping[str, Array]) -> dict[str, Array]:
    """What was planned before, of a fleet as far as all its members have it."""
    found = dict(previous_w)
    for fleet in fleets:
        own = [found.pop(key) for key in fleet.batteries if key in found]
        if len(own) == len(fleet.batteries):
            slots = min(len(one) for one in own)
            found[fleet.key] = np.sum([one[:slots] for one in own], axis=0)
    return found
