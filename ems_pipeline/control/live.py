"""What the devices of a site say right now, as far as they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ems_pipeline.devices.points.quantities import DEMAND_LIMIT, DEMAND_LIMITED
from ems_pipeline.sites import Site

STATE = frozenset({
    "grid_power_w", "battery_power_w", "battery_soc_pct", "pv_power_w", "load_power_w", "ev_power_w", "ev_status",
    "heat_pump_power_w", "indoor_temp_c", "outdoor_temp_c", "genset_power_w", "machine_power_w",
    DEMAND_LIMITED, DEMAND_LIMIT,
})  # fmt: skip
"""Quantities the controller judges by; all else a driver `needs` is for its own translation."""


@dataclass(frozen=True)
class Observed:
    """One device: good values by quantity or point name; ``fault`` says why there are none at all."""

    values: Mapping[str, float] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True)
class Live:
    """A site: its devices by key. Missing is None, never zero."""

    site: Site
    devices: Mapping[str, Observed]

    def of(self, device: str | None, quantity: str) -> float | None:
        """What a device says."""
        observed = self.devices.get(device or "")
        return observed.values.get(quantity) if observed else None

    def anyones(self, quantity: str) -> float | None:
        """What the first device of the site file says that says it."""
        found = (self.of(device.key, quantity) for device in self.site.devices)
        return next((value for value in found if value is not None), None)

    @property
    def batteries_w(self) -> float | None:
        """All batteries together, > 0 discharge; None while one of them is unknown."""
        devices = sorted({battery.device for battery in self.site.batteries if battery.device})
        values = [self.of(device, "battery_power_w") for device in devices]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None

    @property
    def base_w(self) -> float | None:
        """Import without batteries and chargers, net of PV and gensets, heat pumps as they draw now, W.

        From the bus (`ems_pipeline.units`): grid + battery - ev = load + heat pump - pv - genset. A charger whose power
        is unknown stays part of it, which errs to the safe side.
        """
        grid_w, batteries_w = self.anyones("grid_power_w"), self.batteries_w
        if grid_w is None or batteries_w is None:
            return None
        devices = {charger.device for charger in self.site.chargers}
        return grid_w + batteries_w - sum(self.of(device, "ev_power_w") or 0.0 for device in devices)

    def heat_pump_w(self, device: str | None) -> float | None:
        """Measured power of the heat pump that a device steers: its own, or another's where there is but one pump."""
        own_w = self.of(device, "heat_pump_power_w")
        return self.anyones("heat_pump_power_w") if own_w is None and len(self.site.heat_pumps) == 1 else own_w

    def indoor_c(self, device: str | None) -> float | None:
        """Temperature of the house that a device heats: its own, or one that no other heat pump says of its house."""
        own_c = self.of(device, "indoor_temp_c")
        if own_c is not None:
            return own_c
        others = {pump.device for pump in self.site.heat_pumps} - {device}
        found = (self.of(d.key, "indoor_temp_c") for d in self.site.devices if d.key not in others)
        return next((value for value in found if value is not None), None)
