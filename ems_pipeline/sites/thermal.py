"""What keeps heat: the house, the tank, and the heat pump between them and the bus."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from ems_pipeline.sites.asset import Asset
from ems_pipeline.sites.modes import HeatPumpMode
from ems_pipeline.sites.record import Key, PowerW, Record


class House(Record):
    """The building as one heat store; first-order model of EN ISO 13790 (5R1C reduced to 1R1C)."""

    heat_loss_w_per_k: float = Field(ge=20, le=50_000)
    heat_capacity_wh_per_k: float = Field(ge=500, le=5_000_000)
    comfort_min_c: float = Field(20.0, ge=5, le=30)
    comfort_max_c: float = Field(23.0, ge=6, le=35)
    discomfort_price_per_kh: float = Field(5.0, gt=0, le=100_000)
    """Money per kelvin-hour outside the comfort band."""
    keep_at_end_c: float | None = Field(None, ge=5, le=35)
    """How warm every plan leaves the house at its end, for what comes after it; without it as warm as pays."""

    @model_validator(mode="after")
    def _ends_in_comfort(self) -> Self:
        if self.keep_at_end_c is not None and not self.comfort_min_c <= self.keep_at_end_c <= self.comfort_max_c:
            raise ValueError(
                f"keep_at_end_c {self.keep_at_end_c} is outside comfort {self.comfort_min_c}..{self.comfort_max_c} °C; "
                "move it into the band"
            )
        return self


class HotWater(Record):
    """A tank heated by the heat pump at a hotter supply. ``daily_wh`` is the heat drawn as hot water on a day."""

    key: Key
    volume_l: float = Field(ge=20, le=5000)
    loss_w_per_k: float = Field(2.0, gt=0, le=100)
    min_c: float = Field(42.0, ge=20, le=70)
    max_c: float = Field(55.0, ge=25, le=90)
    flow_temp_c: float = Field(55.0, ge=25, le=75)
    room_c: float = Field(20.0, ge=0, le=40)
    daily_wh: float = Field(6000.0, ge=0, le=1_000_000)
    too_cold_price_per_kh: float = Field(2.0, gt=0, le=100_000)

    @property
    def heat_capacity_wh_per_k(self) -> float:
        """Water holds 1.163 Wh per litre and kelvin."""
        return 1.163 * self.volume_l


class HeatPump(Asset):
    """An air-to-water heat pump heating one house."""

    modes = HeatPumpMode
    limit_names = frozenset({"power_limit_w"})

    min_power_w: PowerW
    max_power_w: PowerW
    flow_temp_c: float = Field(38.0, ge=20, le=70)
    carnot_efficiency: float = Field(0.42, ge=0.2, le=0.7)
    min_run_minutes: int = Field(30, ge=0, le=600)
    min_pause_minutes: int = Field(15, ge=0, le=600)
    house: House
    hot_water: HotWater | None = None
