"""How a site is planned, and the challenger that plans beside it.

What two planners of one site may differ in stands in `Challenger`, and nowhere else: whether what forecasts missed
is reckoned with, and how hard the solver tries. Everything else they share: inputs, laws, prices, forecasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ems_pipeline.sites.record import Key, Record

BY_SITE_FILE = "site-file"
"""Name of the planner that the ``planning`` of the site file says."""
DIFFERING = {"courses", "gap", "tolerance", "stage2"}
"""All in which two planners of a site may differ."""
Promotion = Literal["ask", "itself", "never"]
HOURS = 24
GRAMS_PER_KG = 1000.0
Tie = Literal["early", "level", "order", "quiet"]


class Co2Terms(Record):
    """CO2 as a second price: what a kg counts for in plans, and how much a kWh from the grid is known to bring."""

    price_per_kg: float = Field(gt=0, le=100)
    """Money in plans, in no bill."""
    grid_g_per_kwh: tuple[Annotated[float, Field(ge=0, le=2000)], ...]
    """One figure, or 24 by hour of the local day; stated by whoever knows the grid, never guessed."""

    @model_validator(mode="after")
    def _knows_each_hour(self) -> Self:
        if len(self.grid_g_per_kwh) not in (1, HOURS):
            raise ValueError(
                f"co2.grid_g_per_kwh has {len(self.grid_g_per_kwh)} values; give one, or {HOURS} from 0:00 on"
            )
        return self

    def grid_at(self, hour: int) -> float:
        """Money a kWh imported counts for in an hour of the local day."""
        return self.price_per_kg * self.grid_g_per_kwh[hour % len(self.grid_g_per_kwh)] / GRAMS_PER_KG


class SolverOptions(Record):
    """What is asked of the solver; None: as usual for the kind of plan (`plan.solving.solve.EFFORT`)."""

    gap: float | None = Field(None, gt=0, le=0.5)
    """Relative distance to the best possible that is good enough."""
    tolerance: float | None = Field(None, gt=0, le=0.5)
    """The same, as a share of what the bare load costs."""
    stage2: bool | None = None
    """Whether the calmest of plans of equal money is looked for."""

    @property
    def solver(self) -> dict[str, Any]:
        """Arguments of `solve` that are said."""
        return {name: value for name in SolverOptions.model_fields if (value := getattr(self, name)) is not None}


class Challenger(SolverOptions):
    """A planner that plans beside the live one and is told to no device; what it does not say is as in ``planning``."""

    key: Key
    courses: bool | None = None

    @model_validator(mode="after")
    def _is_another(self) -> Challenger:
        if not self.options:
            raise ValueError("it says nothing in which it differs; give courses, gap, tolerance or stage2")
        if self.key == BY_SITE_FILE:
            raise ValueError(f"key {self.key!r} is the name of the site file's own planner; take another")
        return self

    @property
    def options(self) -> dict[str, Any]:
        """What it says."""
        return self.model_dump(exclude_none=True, exclude={"key"})


class PlanningPolicy(SolverOptions):
    """What a plan reckons with, how much it says about itself, and who plans beside it."""

    resolved_slots: int = Field(8, ge=0, le=96)
    """Quarter-hours from now whose other battery actions are solved again instead of bounded."""
    courses: bool = True
    """Whether what forecasts missed on the last days is reckoned with; false: the forecast alone."""
    ties: tuple[Tie, ...] = ()
    """What decides among plans that cost the same and are as safe, the first before the next; none: the house's own."""
    independence_per_kwh: float = Field(0.0, ge=0, le=50)
    """What each kWh that is not imported is worth to the owner besides its price, site currency."""
    co2: Co2Terms | None = None
    challenger: Challenger | None = None
    promote: Promotion = "ask"
    """What becomes of a challenger that is shown to be better: a person is asked, it takes over by itself, or never."""

    @model_validator(mode="after")
    def _chooses_once(self) -> Self:
        if len(set(self.ties)) < len(self.ties):
            raise ValueError(f"ties {list(self.ties)} name one twice; name each once, the most important first")
        return self

    def changed(self, options: Mapping[str, Any]) -> PlanningPolicy:
        """The policy with a challenger's options in it."""
        return self.model_copy(update=dict(options))


@dataclass(frozen=True)
class Planner:
    """Who plans: a name, and in what it differs from the ``planning`` of the site file."""

    name: str = BY_SITE_FILE
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Roles:
    """Who plans a site and who plans beside it; None: nobody."""

    live: Planner = Planner()
    shadow: Planner | None = None


def roles(policy: PlanningPolicy, promoted: Planner | None) -> Roles:
    """Who does what at a site.

    Args:
        promoted: who was promoted last. It counts as long as the site file names just this challenger: with other
            options it is another one, and has shown nothing.
    """
    if policy.challenger is None:
        return Roles()
    challenger = Planner(policy.challenger.key, policy.challenger.options)
    return Roles(challenger, Planner()) if promoted == challenger else Roles(Planner(), challenger)
