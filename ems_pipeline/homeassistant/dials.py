"""What may be wished of an asset from Home Assistant, and how much of it and for how long it is set to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ems_pipeline.homeassistant.house import Asset, House
from ems_pipeline.sites.modes import MODES_OF, POWER_OF

AUTO = "auto"
"""As a mode: the wish is taken back, and the plan decides."""
SHORTEST_MIN, USUAL_MIN, LONGEST_MIN = 5.0, 60.0, 1440.0
LARGEST_W, LARGEST_A = 100_000.0, 80.0
CURRENT = ("chargers", "charge")


@dataclass
class Dials:
    """What is set beside the modes of one asset; nothing of it is a wish by itself."""

    amount: float | None = None
    """W, of a charger A per phase; None: as much as the device may."""
    minutes: float = USUAL_MIN


@dataclass
class Panel:
    """The dials of all assets, by site and asset."""

    _of: dict[tuple[str, str], Dials] = field(default_factory=dict)

    def of(self, site: str, asset: str) -> Dials:
        return self._of.setdefault((site, asset), Dials())


def steerable(house: House) -> Iterator[Asset]:
    """Assets of which something may be wished: those that a device may obey for."""
    return (asset for asset in house.assets if asset.has_device and asset.kind in MODES_OF)


def modes(asset: Asset) -> list[str]:
    """What may be wished of it."""
    return [AUTO, *MODES_OF[asset.kind]]


def has_current(asset: Asset) -> bool:
    """Whether its amount is a current, not a power."""
    return asset.kind == CURRENT[0]


def limits(asset: Asset, mode: str, dials: Dials) -> dict[str, float]:
    """The limits that go with a mode, as the amount is set; a mode that takes none leaves it out."""
    name = "current_a" if (asset.kind, mode) == CURRENT else POWER_OF.get((asset.kind, mode))
    return {} if name is None or dials.amount is None else {name: dials.amount}
