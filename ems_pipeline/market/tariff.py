"""Contract terms per slot, and the one place where they become a buy and a sell price.

    energy = spot in the site's currency (the hour's mean under a 60-minute contract)
    buy    = (fixed + spot_factor * (energy + markup) + supplier fee + distribution + levies) * (1 + VAT)
    sell   = max(floor, fixed + spot_factor * (1 - deduction) * energy - fee) * (1 + VAT on selling)

Both may be negative: VAT is charged on the sum, nothing is clipped unless the contract says so. The table
`effective_price` stores the results with their components; SQL only reads them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import time_grid, units
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.registers import DayCalendars, DayRegisters, day_registers
from ems_pipeline.sites.tariff import Tariff, TariffPeriod

LEVY = "levy_"
EFFECTIVE_COLUMNS = ("starts_at", "buy_per_kwh", "sell_per_kwh", "spot_per_kwh", "currency", "is_provisional")
SLOT_SCHEMA: dict[str, Any] = {
    "starts_at": INSTANT,
    "day": pl.Date(),
    "valid_from": pl.Date(),
    "register": pl.String(),
    "distribution_per_kwh": pl.Float64(),
    "fixed_per_kwh": pl.Float64(),
    "degraded": pl.String(),
}


def tariff_coefficients(
    tariff: Tariff, starts: Iterable[datetime], site_zone: ZoneInfo, calendars: DayCalendars | None = None
) -> pl.DataFrame:
    """The terms in force at each slot, before any price is known.

    Args:
        starts: slot starts.
        site_zone: where the wall clock of the windows hangs.
        calendars: announced Tempo colours and switching times.

    Returns:
        One row per slot: starts_at, day (local), valid_from (of the period), register, distribution_per_kwh,
        fixed_per_kwh, degraded (why a price is an assumption, or null), currency, vat, settlement_minutes, spot_factor,
        supplier_fee_per_kwh, markup_rel, markup_rel_mode, sell_*, and levy_<name> per kWh; levies a period does not
        know are null.

    Raises:
        LookupError: the tariff has no period for a day.
    """
    calendars = calendars or DayCalendars()
    days: dict[date, tuple[TariffPeriod, DayRegisters]] = {}
    rows = []
    for at in sorted(starts):
        day = time_grid.local_day(at, site_zone)
        if day not in days:
            period = tariff.period_on(day)
            days[day] = period, day_registers(period, day, calendars)
        period, registers = days[day]
        i = time_grid.slot_of_day(at, site_zone)
        prices = float(registers.distribution_per_kwh[i]), float(registers.energy_per_kwh[i])
        rows.append((at, day, period.valid_from, registers.names[i], *prices, registers.degraded[i]))
    slots = pl.DataFrame(rows, schema=SLOT_SCHEMA, orient="row")
    return slots.join(_period_terms(tariff), on="valid_from", how="left", maintain_order="left")


def announced_coefficients(
    tariff: Tariff, starts: Iterable[datetime], site_zone: ZoneInfo, colours: pl.DataFrame
) -> pl.DataFrame:
    """`tariff_coefficients` where each civil day knows Tempo colours of its own.

    Args:
        colours: day (civil), colour_day, colour; a colour that is not among them is taken as the worst possible.
    """
    known: dict[date, dict[date, Any]] = {}
    for day, colour_day, colour in colours.select("day", "colour_day", "colour").iter_rows():
        known.setdefault(day, {})[colour_day] = colour
    of_day: dict[date, list[datetime]] = {}
    for at in starts:
        of_day.setdefault(time_grid.local_day(at, site_zone), []).append(at)
    frames = [
        tariff_coefficients(tariff, own, site_zone, DayCalendars(tempo=known.get(day, {})))
        for day, own in sorted(of_day.items())
    ]
    return pl.concat(frames)


def effective_price(
    coefficients: pl.DataFrame, prices: pl.DataFrame, rates: pl.DataFrame | None = None
) -> pl.DataFrame:
    """What a kilowatt-hour costs and earns in each slot whose market price is known.

    Args:
        coefficients: from `tariff_coefficients`.
        prices: starts_at, price_per_mwh, currency; whole hours under a 60-minute contract.
        rates: rate_on, base, quote, rate, is_provisional, one row per day and pair; needed between two currencies.

    Returns:
        starts_at, buy_per_kwh, sell_per_kwh, spot_per_kwh, currency, is_provisional, components (struct, per kWh before
        VAT: register, energy, markup, supplier_fee, distribution, levy_<name>, vat, sell_fee, degraded). A slot without
        a market price has no row where one enters its contract; where none does, its ``spot_per_kwh`` is null.

    Raises:
        ValueError: no exchange rate for a day, two rates for one, or an hour of a 60-minute contract is incomplete.
    """
    joined = coefficients.join(_settled(prices, coefficients), on="starts_at", how="left", maintain_order="left")
    known = joined.filter(pl.col("settled_per_mwh").is_not_null() | ~_needs_market())
    in_currency = _with_rate(known, rates).with_columns(
        spot_per_kwh=units.per_kwh(pl.col("settled_per_mwh")) * pl.col("rate")
    )
    levies = [name for name in in_currency.columns if name.startswith(LEVY)]
    energy = pl.col("fixed_per_kwh") + pl.col("spot_factor") * SPOT
    parts = in_currency.with_columns(energy=energy, markup=pl.col("spot_factor") * _markup(), sell_per_kwh=_sell())
    net = pl.sum_horizontal("energy", "markup", "supplier_fee_per_kwh", "distribution_per_kwh", *levies)
    return parts.with_columns(buy_per_kwh=net * (1 + pl.col("vat"))).select(
        *EFFECTIVE_COLUMNS,
        pl.struct(
            "register",
            "energy",
            "markup",
            pl.col("supplier_fee_per_kwh").alias("supplier_fee"),
            pl.col("distribution_per_kwh").alias("distribution"),
            *levies,
            "vat",
            pl.col("sell_fee_per_kwh").alias("sell_fee"),
            "degraded",
        ).alias("components"),
    )


def effective_price_rows(site_key: str, effective: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
    """Rows of the table `effective_price`; ``known_at`` is when the newest input of them was known."""
    return effective.select(
        pl.lit(site_key).alias("site_key"),
        *EFFECTIVE_COLUMNS,
        pl.col("components").struct.json_encode(),
        pl.lit(time_grid.utc(known_at)).cast(INSTANT).alias("known_at"),
    )


def _period_terms(tariff: Tariff) -> pl.DataFrame:
    return pl.concat([_terms(tariff, period) for period in tariff.periods], how="diagonal")


def _terms(tariff: Tariff, period: TariffPeriod) -> pl.DataFrame:
    energy, sell = period.energy, period.sell
    row: dict[str, Any] = {
        "valid_from": period.valid_from,
        "currency": tariff.currency,
        "vat": period.vat,
        "settlement_minutes": energy.settlement_minutes,
        "spot_factor": 1.0 if energy.kind == "spot" else 0.0,
        "supplier_fee_per_kwh": energy.fee_per_kwh,
        "markup_rel": energy.markup_rel,
        "markup_rel_mode": energy.markup_rel_mode,
        "sell_fixed_per_kwh": sell.price_per_kwh if sell.kind == "fixed" else 0.0,
        "sell_spot_factor": 1.0 - sell.deduct_rel if sell.kind == "spot" else 0.0,
        "sell_fee_per_kwh": 0.0 if sell.kind == "none" else sell.fee_per_kwh,
        "sell_floor_per_kwh": sell.floor_per_kwh,
        "sell_unpaid_at_negative_spot": sell.unpaid_at_negative_spot,
        "sell_vat": sell.vat,
    } | {LEVY + name: per_kwh for name, per_kwh in period.levies_per_kwh.items()}
    return pl.DataFrame([row], schema_overrides={"sell_floor_per_kwh": pl.Float64})


SPOT = pl.col("spot_per_kwh").fill_null(0.0)
"""Null only where no market price enters the contract, and every factor of it is 0."""


def _needs_market() -> pl.Expr:
    return (pl.col("spot_factor") != 0) | (pl.col("sell_spot_factor") != 0) | pl.col("sell_unpaid_at_negative_spot")


def _markup() -> pl.Expr:
    """A relative markup on negative prices lowers the price, raises it, or is not taken: contracts differ."""
    spot, mode = SPOT, pl.col("markup_rel_mode")
    marked = pl.when(mode == "absolute").then(spot.abs()).when(mode == "max0").then(spot.clip(0.0)).otherwise(spot)
    return pl.col("markup_rel") * marked


def _sell() -> pl.Expr:
    spot = SPOT
    net = pl.col("sell_fixed_per_kwh") + pl.col("sell_spot_factor") * spot - pl.col("sell_fee_per_kwh")
    floored = pl.max_horizontal(net, "sell_floor_per_kwh")  # a null floor is no floor
    paid = pl.when(pl.col("sell_unpaid_at_negative_spot") & (spot < 0)).then(0.0).otherwise(floored)
    return paid * (1 + pl.col("sell_vat"))


def _settled(prices: pl.DataFrame, coefficients: pl.DataFrame) -> pl.DataFrame:
    """Market prices as the contract bills them: of the quarter-hour, or of its whole hour."""
    hourly = coefficients.filter(pl.col("settlement_minutes") == 60).select("starts_at")
    hour = pl.col("starts_at").dt.truncate("1h")
    priced = prices.select("starts_at", "price_per_mwh", pl.col("currency").alias("price_currency")).with_columns(
        hourly_mean_per_mwh=_hour_price().over(hour), quarters=pl.len().over(hour)
    )
    billed = priced.join(hourly.with_columns(is_hourly=True), on="starts_at", how="left")
    broken = billed.filter(pl.col("is_hourly") & (pl.col("quarters") != 4))
    if not broken.is_empty():
        first = broken.row(0, named=True)
        raise ValueError(
            f"a 60-minute contract bills the mean of 4 quarter-hours; the hour of {first['starts_at']} has "
            f"{first['quarters']}: pass the prices of whole hours"
        )
    settled = pl.when("is_hourly").then("hourly_mean_per_mwh").otherwise("price_per_mwh")
    return billed.select("starts_at", "price_currency", settled_per_mwh=settled)


def _hour_price() -> pl.Expr:
    """The market's 60-minute reference: mean of the four cent-rounded prices, half a cent away from zero.

    Half-up is what OTE's replies of 2025-10-21 and 22 show (112.845 -> 112.85). Hours traded as such stay as they are.
    """
    price = pl.col("price_per_mwh")
    cents = (price * 100).round().cast(pl.Int64).sum()
    rounded = (cents.abs() + 2) // 4 * cents.sign() / 100
    return pl.when(price.min() == price.max()).then(price.first()).otherwise(rounded)


def _with_rate(joined: pl.DataFrame, rates: pl.DataFrame | None) -> pl.DataFrame:
    joined = joined.with_columns(pl.col("price_currency").fill_null(pl.col("currency")))
    own = pl.col("price_currency") == pl.col("currency")
    if joined.select(own.all()).item():
        return joined.with_columns(rate=pl.lit(1.0), is_provisional=pl.lit(False))
    if rates is None:
        raise ValueError("prices and tariff are in different currencies; pass the exchange rates of these days")
    pairs = rates.select(
        pl.col("rate_on").alias("day"),
        price_currency="base",
        currency="quote",
        rate="rate",
        is_provisional="is_provisional",
    )
    if pairs.select("day", "price_currency", "currency").is_duplicated().any():
        raise ValueError("there are two exchange rates for one day; pass the newest known row of each day only")
    rated = joined.join(pairs, on=["day", "price_currency", "currency"], how="left", maintain_order="left")
    if (missing := rated.filter(pl.col("rate").is_null() & ~own)).height:
        first = missing.row(0, named=True)
        raise ValueError(
            f"no exchange rate {first['price_currency']}/{first['currency']} for {first['day']}; import fx_rate first"
        )
    return rated.with_columns(
        rate=pl.when(own).then(1.0).otherwise("rate"), is_provisional=~own & pl.col("is_provisional")
    )
