"""What a device can say and be told, as validated data: the schema of the files in `maps/`.

A map is the whole knowledge about a device that is not behaviour: addresses, types, scales, units, signs, ranges, write
budgets, what it does when we vanish. Drivers and the virtual plant read the same file, so one correction fixes both.
Add a device by adding a file. `map_file` reads files into these records, `link` says how requests must be shaped,
`point` what a value is, `map_rules` what holds of several together, `codec` turns points into register words and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ems_pipeline.devices.points.link import Link, MapRecord
from ems_pipeline.devices.points.map_rules import Derived, Ready, Rest, SlotList, Variant
from ems_pipeline.devices.points.point import Point, PointName
from ems_pipeline.devices.points.quantities import FAULT, QUANTITIES
from ems_pipeline.devices.points.recipe import Recipe
from ems_pipeline.sites.protocol import PROTOCOLS, ProtocolName

EFFECT = "effect"
"""In `proved_by`: nothing shows what was written but what the device does."""
BY_RECIPE = "recipe"
"""The driver of maps that say themselves how their device obeys."""


def named_in(form: Any) -> set[str]:
    """Points that a form names, see `Point.forms`."""
    if isinstance(form, dict):
        return {name for part in form.values() for name in named_in(part)}
    return {form.strip("{}")} if isinstance(form, str) and form.startswith("{") else set()


class PointMap(MapRecord):
    """A device type: how to talk to it, what it says, what it obeys, what it does alone."""

    map: str
    title: str
    driver: str
    protocol: ProtocolName
    silence: str
    """What the device does when we vanish, for the operator and for `docs/devices.md`."""
    sources: tuple[str, ...]
    tried: str = "twin only"
    """Against what of others' making it was tried, for the table of all devices in `docs/devices.md`."""
    link: Link = Link()
    ready: Ready | None = None
    rest: Rest | None = None
    derived: dict[str, Derived] = Field(default_factory=dict)
    made_for: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Sizes the ranges were written for, by name; points that name one in `grows` follow the device's own."""
    largest: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """Of these sizes the largest of the family, which holds where nobody says how large the one here is."""
    rated_by: dict[str, PointName] = Field(default_factory=dict)
    """Sizes that the device states itself, and by which point."""
    slots: tuple[SlotList, ...] = ()
    """Registers whose content the device's own lists select; points there name their `message`."""
    variants: tuple[Variant, ...] = ()
    """Firmwares by which some points have another scale; the first that fits counts."""
    phases: dict[PointName, tuple[PointName, ...]] = Field(default_factory=dict)
    """Powers and the phases that add up to them: what tells how a separate high word is to be read."""
    recipe: Recipe | None = None
    """How the device obeys, where no code does it (driver `recipe`)."""
    points: tuple[Point, ...]

    @cached_property
    def by_name(self) -> dict[str, Point]:
        return {p.name: p for p in self.points}

    @cached_property
    def by_key(self) -> dict[str, Point]:
        return {p.key: p for p in self.points}

    def with_points(self, points: Iterable[Point]) -> PointMap:
        """The same device with other points (of the same names); a copy would keep the index of the old ones."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**{**fields, "points": tuple(points)})

    def point(self, name: str) -> Point:
        """The point called ``name`` (its own name or its quantity); KeyError names the map.

        A quantity made of one point that every model has, and of others that some have, is known by the one.
        """
        if (found := self.by_name.get(name) or self.by_key.get(name)) is not None:
            return found
        parts = self.derived[name].points if name in self.derived else ()
        always = [part for part in parts if not self.by_name[part].optional]
        if len(always) != 1:
            raise KeyError(f"map {self.map} has no point {name!r}; see `ems device map check`")
        return self.by_name[always[0]]

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        """Faults between the parts, a line each; what it is about comes first, so that the file's line can be told."""
        faults = [*self._double(), *self._undefined(), *self._without_a_place(), *self._unsteerable()]
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _double(self) -> Iterator[str]:
        givers: dict[str, list[str]] = {key: [] for key in self.derived}
        for point in self.points:
            givers.setdefault(point.key, []).append(point.name)
        for key, names in givers.items():
            if len(names) + (key in self.derived) > 1:
                yield f"point {names[-1]!r} gives {key!r} a second time; keep one"

    def _undefined(self) -> Iterator[str]:
        for quantity, rule in self.derived.items():
            if bool(rule.told_by) != (quantity == FAULT):
                yield f"derived {quantity!r}: `told_by` makes {FAULT!r} and nothing else does; change one"
            if quantity not in QUANTITIES:
                yield f"derived {quantity!r} is not in the vocabulary: {', '.join(sorted(QUANTITIES))}"
            for name in sorted(set(rule.points) - set(self.by_name)):
                yield f"derived {quantity!r} is made of {name!r}, which is no point; define it"
            for name in (n for n in rule.points if n in self.by_name and self.by_name[n].path == ""):
                yield f"derived {quantity!r} is made of {name!r}, which has no `path`; name one"
        if self.ready and self.ready.point not in self.by_name:
            yield f"ready: {self.ready.point!r} is no point; define it"
        named = {
            "rest": (self.rest.point, *self.rest.zero) if self.rest else (),
            "rated_by": tuple(self.rated_by.values()),
            "phases": (*self.phases, *(name for parts in self.phases.values() for name in parts)),
            "variants": tuple(name for variant in self.variants for name in variant.scale),
        }
        for of, names in named.items():
            yield from (f"{of}: {name!r} is no point; define it" for name in names if name not in self.by_name)
        for point in self.points:
            block = {p.name for p in self.points if point.block is not None and p.block == point.block}
            for name in sorted(named_in(point.forms) - block):
                yield f"point {point.name!r}: its forms name {name!r}, which is no point of its block; put it there"
            for name in (
                sorted(point.numbered_by - self.link.instances.keys()) if PROTOCOLS[self.protocol].has_portal else ()
            ):
                yield f"point {point.name!r}: {{{name}}} of its path is none of the link's `instances`; name it there"
        selected = {a for of in self.slots for a in of.addresses}
        for point in self.points:
            if (point.message is not None) != (not point.is_bit and point.address in selected):
                yield f"point {point.name!r}: a `message` stands in one of `slots`, and nothing else does; correct one"
            if unknown := sorted(set(point.grows) - set(self.made_for)):
                yield f"point {point.name!r} grows with {unknown}, which is not in `made_for`; add what it was made for"

    def _unsteerable(self) -> Iterator[str]:
        """What would be told in vain, or by nobody."""
        for point in self.points:
            shown = [*point.only_while, *([point.proved_by] if point.proved_by not in (None, EFFECT) else [])]
            for name in (str(one) for one in shown):
                if name not in self.by_name or not self.by_name[name].readable:
                    yield f"point {point.name!r}: {name!r} is no point that can be read; define it"
        if (self.driver == BY_RECIPE) != (self.recipe is not None):
            yield f"recipe: goes with driver {BY_RECIPE!r}, and that driver with a recipe; give both or neither"
        if self.recipe is not None:
            yield from self.recipe.faults(self.by_name)

    def _without_a_place(self) -> Iterator[str]:
        if not self.points:
            yield "there are no points; add what the device says"
        spoken = PROTOCOLS[self.protocol]
        for point in self.points:
            if getattr(point, spoken.place) in (None, ()):
                yield f"point {point.name!r} needs `{spoken.place}`, as protocol {self.protocol} asks"
            elif spoken.may_lack_place and point.writable:
                yield f"point {point.name!r} is writable, and protocol {self.protocol} only reads; remove `access`"
            elif spoken.has_fields and not (point.field or self.link.field):
                yield f"point {point.name!r} needs `field`, or the link one for all"
            elif (
                spoken.written_by
                and point.writable
                and not point.set_path
                and getattr(self.link, spoken.written_by) is None
            ):
                how = spoken.written_by
                yield f"point {point.name!r} is writable and the link has no `{how}` that says how; add it"
