"""The small pictures of a controller: power against rated, limits of values, and what the synchroniser sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ems_pipeline.pictures.level import Level, level
from ems_pipeline.pictures.scope import Scope, scope
from ems_pipeline.web import drawn
from ems_pipeline.web.controllers import Controller
from ems_pipeline.web.said import Said

OVERLOAD = 1.1
"""A gauge reaches beyond the rated power: what is there is no longer within."""
REACHES: Mapping[str, tuple[float, float, str, int]] = {
    "coolant_c": (0, 120, "°C", 0), "oil_c": (0, 150, "°C", 0), "oil_kpa": (0, 1000, "kPa", 0),
    "fuel_pct": (0, 100, "%", 0), "battery_v": (0, 32, "V", 1), "rpm": (0, 2000, "", 0),
}  # fmt: skip
"""Of a value: from where to where it is drawn, its unit and places. Others reach to twice their bound."""


@dataclass(frozen=True)
class Gauges:
    """Of one controller; ``power`` None: no rated power is known, ``scope`` None: it has no synchroniser."""

    power: Markup | None
    scope: Markup | None
    limits: list[tuple[str, Markup]]


def gauges(say: Said, gettext: Callable[[str], str], one: Controller) -> Gauges:
    """Drawn for one reader."""
    return Gauges(_power(say, gettext, one), _scope(say, gettext, one), list(_limits(say, gettext, one)))


def _number(one: Controller, name: str) -> float | None:
    found = one.values.get(name)
    return float(found) if isinstance(found, int | float) else None


def _power(say: Said, _: Callable[[str], str], one: Controller) -> Markup | None:
    rated, rules = one.plate.rated_power_w, one.plate.rules
    if rated is None or rules is None:
        return None
    name = "busbar_power_w" if one.plate.is_switchboard else "power_w"
    value, target = _number(one, name), _number(one, "power_target_pct")
    share = None if value is None else 100 * value / rated
    return level(
        Level(
            value, 0.0, OVERLOAD * rated, _("Power against rated power and target"),
            f"{say.share(share)}, {_('target')} {say.share(target)}", "kW", 1000.0,
            below=rules.min_power_pct / 100 * rated, above=rated, target=target, whole=rated, field=name,
            target_field="power_target_pct", words=drawn.words(say, {}),
        )
    )  # fmt: skip


def _limits(say: Said, _: Callable[[str], str], one: Controller) -> list[tuple[str, Markup]]:
    """A bar for each value that has a limit: of the site's file, or of the least warmth for a start."""
    bounds = dict[str, dict[str, float]]()
    for limit in one.plate.limits:
        said = {side: limit[side] for side in ("above", "below") if limit.get(side) is not None}
        bounds.setdefault(limit["value"], {}).update(said)
    rules = one.plate.rules
    if rules is not None and rules.jacket_min_c is not None and not one.plate.is_switchboard:
        bounds.setdefault("coolant_c", {}).setdefault("below", rules.jacket_min_c)
    return [(name, _limit(say, _, one, name, said)) for name, said in bounds.items()]


def _limit(say: Said, _: Callable[[str], str], one: Controller, name: str, bound: dict[str, float]) -> Markup:
    twice = 2 * max(map(abs, bound.values())) or 1.0
    begin, end, unit, places = REACHES.get(name, (0.0, twice, "", 0))
    value = _number(one, name)
    summary = ", ".join(
        [say.number(value, places, unit), *(f"{_(side)} {say.number(bound[side], places, unit)}" for side in bound)]
    )
    return level(
        Level(
            value, min(begin, *bound.values()), max(end, *bound.values()), _("The value and its limits"), summary, unit,
            places=places, below=bound.get("below"), above=bound.get("above"), field=name, words=drawn.words(say, {}),
        )
    )  # fmt: skip


def _scope(say: Said, _: Callable[[str], str], one: Controller) -> Markup | None:
    if one.plate.is_switchboard:
        return None
    volts, hertz, degrees = (_number(one, name) for name in ("sync_v", "sync_hz", "sync_phase_deg"))
    window: dict[str, Any] = {f"window_{name}": one.plate.window(name) for name in ("v", "hz", "deg")}
    said = [say.number(volts, 1, "V"), say.number(hertz, 2, "Hz"), say.number(degrees, 0, "°")]
    is_at_rest = volts is None and hertz is None and degrees is None
    summary = _("no sync: the engine makes no voltage") if is_at_rest else ", ".join(said)
    return scope(
        Scope(
            volts, hertz, degrees, _("What the synchroniser sees"), summary, _("no sync"), **window,
            words=drawn.words(say, {}),
        )
    )  # fmt: skip
