"""Who gives how much: sets parallel to the mains go for targets, sets in an island share the load by their ratings."""

from __future__ import annotations

from collections.abc import Sequence

from ems_pipeline.plant.gensets.genset import RAMP_PART_S, Genset


def without_load(sets: Sequence[Genset]) -> None:
    """Nobody is behind the busbar."""
    for genset in sets:
        genset.power_w, genset.goal_part, genset.is_ramping = 0.0, None, False


def in_parallel(sets: Sequence[Genset], part: float | None, dt_s: float) -> None:
    """Each set that feeds ramps to its goal.

    Args:
        part: what all go for, as a part of their ratings; None: each for its own target.
    """
    for genset in sets:
        if not genset.feeds:
            genset.power_w, genset.goal_part = 0.0, None
            continue
        wanted = genset.target_pct / 100 if part is None else part
        genset.goal_part, genset.is_ramping = wanted if genset.stays else 0.0, False
        _ramp(genset, genset.goal_part, dt_s)


def in_island(sets: Sequence[Genset], load_w: float, dt_s: float) -> None:
    """Sets that feed carry the load. Who comes or goes does so by a ramp, the others have the rest in equal parts.

    Where nobody else is, the load is theirs at once, and the last one cannot unload.
    """
    feeding = [s for s in sets if s.feeds]
    staying = [s for s in feeding if s.stays] or feeding
    part = load_w / sum([s.rated_w for s in staying])
    for genset in sets:
        if genset not in feeding:
            genset.power_w, genset.goal_part, genset.is_ramping = 0.0, None, False
    moving = [s for s in feeding if s.is_ramping or s not in staying]
    carrying = [s for s in staying if not s.is_ramping] or staying
    moving = [s for s in moving if s not in carrying]
    rest_w = load_w
    for genset in moving:
        genset.goal_part = part if genset in staying else 0.0
        _ramp(genset, genset.goal_part, dt_s)
        genset.power_w = min(genset.power_w, max(rest_w, 0.0))
        genset.is_ramping = genset in staying and genset.power_w != genset.goal_part * genset.rated_w
        rest_w -= genset.power_w
    rest_part = max(rest_w, 0.0) / sum([s.rated_w for s in carrying])
    for genset in carrying:
        genset.power_w, genset.goal_part, genset.is_ramping = rest_part * genset.rated_w, part, False


def _ramp(genset: Genset, part: float, dt_s: float) -> None:
    most_w = RAMP_PART_S * genset.rated_w * dt_s
    genset.power_w += min(max(part * genset.rated_w - genset.power_w, -most_w), most_w)
