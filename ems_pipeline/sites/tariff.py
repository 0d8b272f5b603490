"""Contract terms as dated data: what a kilowatt-hour costs besides the market price.

`ems_pipeline.market.tariff` evaluates these terms to a buy and a sell price per slot. Amounts are without VAT, per kWh,
in the site's currency.
Add a field here when a contract has a term that none of these expresses.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from ems_pipeline.sites.record import Price, Record, WallClock, Weekday, WindowEnd

PerKwh = Annotated[float, Field(ge=-20, le=50)]
Month = Annotated[int, Field(ge=1, le=12)]


SUNDAY = 6


@cache
def public_holidays(place: str, year: int) -> frozenset[date]:
    """Public holidays of a country or of a part of it.

    Raises:
        ValueError: nobody knows them.
    """
    import holidays

    country, _, subdivision = place.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError:
        raise ValueError(
            f"no public holidays of {place!r} are known; write a country (ES) or its part (ES-MD)"
        ) from None


class Window(Record):
    """A wall-clock window ``[start, end)``; it crosses midnight when ``end`` is not after ``start``; 00:00 ends a day.

    ``weekdays`` (0 = Monday) are those of the day it starts on, as a night belongs to its evening. ``months`` are those
    of the hour itself: a season ends at midnight of its last day, and begins at midnight of its first.
    """

    start: WallClock
    end: WindowEnd
    weekdays: tuple[Weekday, ...] = (0, 1, 2, 3, 4, 5, 6)
    months: tuple[Month, ...] = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)


class RegisterPrices(Record):
    """Prices of the high and the low register."""

    high_per_kwh: PerKwh
    low_per_kwh: PerKwh


class TempoPrices(Record):
    """The French Tempo contract: a price per day colour, low from 22:00 to 06:00; the colour runs 06:00 to 06:00."""

    blue: RegisterPrices
    white: RegisterPrices
    red: RegisterPrices


class EnergyTerms(Record):
    """The supplier's part of buying."""

    kind: Literal["spot", "fixed", "tempo"] = "spot"
    price_per_kwh: PerKwh = 0.0
    """Fixed price in the high (or only) register; unused for spot."""
    low_price_per_kwh: PerKwh | None = None
    """Fixed price in the low register of the distribution; none means one price all day."""
    tempo: TempoPrices | None = None
    fee_per_kwh: PerKwh = 0.0
    markup_rel: float = Field(0.0, ge=-0.5, le=1.0)
    markup_rel_mode: Literal["signed", "absolute", "max0"] = "signed"
    settlement_minutes: Literal[15, 60] = 15
    """60: the contract bills the hour's mean price although the market trades quarter-hours."""

    @model_validator(mode="after")
    def _tempo_has_prices(self) -> Self:
        if (self.kind == "tempo") != (self.tempo is not None):
            raise ValueError("kind: tempo and the tempo prices belong together; give both or neither")
        return self


class Band(Record):
    """A further network price during its windows: time-variable grid fees have a high and a low one."""

    name: str
    per_kwh: PerKwh
    windows: tuple[Window, ...] = Field(min_length=1)


class DistributionTerms(Record):
    """Network price; ``low_windows`` are the hours of the low register (HDO switching times in Czechia)."""

    rate: str = "flat"
    high_per_kwh: PerKwh
    low_per_kwh: PerKwh | None = None
    low_windows: tuple[Window, ...] = ()
    mixed_slot: Literal["high", "proportional"] = "high"
    """A switching time inside a quarter-hour: count the slot as high (safe) or split it."""
    bands: tuple[Band, ...] = ()
    """Where bands overlap the last one counts, before the low register."""

    @model_validator(mode="after")
    def _low_register_is_complete(self) -> Self:
        if self.low_windows and self.low_per_kwh is None:
            raise ValueError("low_windows are given without low_per_kwh; add the low price or remove the windows")
        return self


class SellTerms(Record):
    """What the site is paid for export."""

    kind: Literal["spot", "fixed", "none"] = "spot"
    price_per_kwh: PerKwh = 0.0
    fee_per_kwh: PerKwh = 0.0
    deduct_rel: float = Field(0.0, ge=0, le=1)
    floor_per_kwh: PerKwh | None = None
    """Least price paid, before VAT: some contracts do not pass negative prices on."""
    unpaid_at_negative_spot: bool = False
    """Nothing is paid or charged while the market price is negative (German feed-in tariff of plants since 2025)."""
    vat: float = Field(0.0, ge=0, le=0.5)


class CapacityCharge(Record):
    """Charge on the highest import of a month, a mean over ``interval_minutes`` by the clock."""

    price_per_kw_month: Price
    interval_minutes: Literal[15, 30, 60] = 15
    floor_kw: float = Field(0.0, ge=0, le=20_000)


class TariffPeriod(Record):
    """Terms valid for local days ``valid_from`` <= day < ``valid_to``."""

    valid_from: date
    valid_to: date | None = None
    vat: float = Field(0.21, ge=0, le=0.5)
    energy: EnergyTerms = EnergyTerms()
    distribution: DistributionTerms
    levies_per_kwh: dict[str, PerKwh] = Field(default_factory=dict)
    monthly: dict[str, Annotated[float, Field(ge=-10_000_000, le=10_000_000)]] = Field(default_factory=dict)
    sell: SellTerms = SellTerms()
    capacity: CapacityCharge | None = None
    holidays: str | None = None
    """Country, or ``COUNTRY-SUBDIVISION`` (ISO 3166), whose public holidays count as Sundays in all windows."""

    @field_validator("holidays")
    @classmethod
    def _is_a_place_with_holidays(cls, place: str | None) -> str | None:
        if place is not None:
            public_holidays(place, 2026)
        return place

    def weekday(self, day: date) -> int:
        """0 = Monday; a public holiday is a Sunday."""
        is_holiday = self.holidays is not None and day in public_holidays(self.holidays, day.year)
        return SUNDAY if is_holiday else day.weekday()


class Tariff(Record):
    """A contract over time: periods in order, without overlap."""

    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    periods: tuple[TariffPeriod, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _periods_do_not_overlap(self) -> Self:
        for left, right in zip(self.periods, self.periods[1:], strict=False):
            if left.valid_to is None or left.valid_to > right.valid_from:
                raise ValueError(
                    f"period from {left.valid_from} runs to {left.valid_to or 'for ever'} and overlaps the one from "
                    f"{right.valid_from}; end it with valid_to: {right.valid_from}"
                )
        return self

    @property
    def needs_market(self) -> bool:
        """Whether a market price enters any period: what is bought or sold at spot, or unpaid when it is negative."""
        return any(
            "spot" in (period.energy.kind, period.sell.kind) or period.sell.unpaid_at_negative_spot
            for period in self.periods
        )

    @property
    def has_colours(self) -> bool:
        """Whether any period is a Tempo contract."""
        return any(period.energy.kind == "tempo" for period in self.periods)

    def period_on(self, day: date) -> TariffPeriod:
        """The terms valid on a local day; LookupError when the contract does not cover it."""
        for period in self.periods:
            if period.valid_from <= day and (period.valid_to is None or day < period.valid_to):
                return period
        raise LookupError(f"tariff {self.name!r} has no period for {day}; add one to the site file")


class FixedTariff(Record):
    """One price for every bought and one for every sold kWh, taxes and grid fees included: what else could be had."""

    buy_per_kwh: PerKwh
    sell_per_kwh: PerKwh = 0.0
