"""A month's energy as an invoice prints it: quantities, prices, amounts rounded line by line, VAT on the sum.

The prices are those of `tariff.effective_price`; an invoice differs from the sum over slots by rounding only. Add a
line here when a contract charges something that is neither per kWh nor per month nor per peak.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import polars as pl

from ems_pipeline import time_grid, units
from ems_pipeline.local_time import INSTANT
from ems_pipeline.market.tariff import LEVY
from ems_pipeline.sites.tariff import Tariff

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line before VAT: ``amount`` is rounded to the cent, ``quantity`` is in ``unit``."""

    name: str
    quantity: float
    unit: str
    amount: Decimal
    vat: float


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month costs and earns, in ``currency``. ``credit`` is what is paid for export, its VAT included."""

    month: date
    currency: str
    lines: tuple[BillLine, ...]
    net: Decimal
    vat: Decimal
    total: Decimal
    credit: Decimal


def monthly_bill(
    tariff: Tariff, month: date, effective: pl.DataFrame, energy: pl.DataFrame, site_zone: ZoneInfo
) -> Bill:
    """The bill of the calendar month that ``month`` lies in.

    Args:
        effective: from `tariff.effective_price`, every slot of the month.
        energy: starts_at, import_kwh, export_kwh, every slot of the month, both >= 0.

    Raises:
        ValueError: a slot of the month has no price or no measured energy; the first one is named.
    """
    first = month.replace(day=1)
    last = month.replace(day=calendar.monthrange(month.year, month.month)[1])
    metered = _metered(first, last, effective, energy, site_zone)
    lines = (*_energy_lines(metered), *_monthly_lines(tariff, first, last), *_capacity_lines(tariff, last, metered))
    by_rate: dict[float, Decimal] = {}
    for line in lines:
        by_rate[line.vat] = by_rate.get(line.vat, Decimal(0)) + line.amount
    net = sum(by_rate.values(), Decimal(0))
    vat = sum((_cents(amount * Decimal(str(rate))) for rate, amount in by_rate.items()), Decimal(0))
    credit = _cents(_total(metered, pl.col("export_kwh") * pl.col("sell_per_kwh")))
    return Bill(first, tariff.currency, lines, net, vat, net + vat, credit)


def _metered(
    first: date, last: date, effective: pl.DataFrame, energy: pl.DataFrame, site_zone: ZoneInfo
) -> pl.DataFrame:
    start, end = time_grid.day_bounds(first, site_zone)[0], time_grid.day_bounds(last, site_zone)[1]
    slots = pl.DataFrame({"starts_at": time_grid.slots(start, end)}, schema={"starts_at": INSTANT})
    metered = slots.join(effective, on="starts_at", how="left").join(energy, on="starts_at", how="left")
    missing = metered.filter(pl.any_horizontal(pl.col("buy_per_kwh", "import_kwh", "export_kwh").is_null()))
    if missing.height:
        raise ValueError(
            f"{missing.height} of {slots.height} quarter-hours of {first:%Y-%m} have no price or no measured energy, "
            f"the first is {missing['starts_at'][0]}; complete them before billing"
        )
    return metered.unnest("components")


def _energy_lines(metered: pl.DataFrame) -> Iterator[BillLine]:
    """Lines per kWh; the network's split by register, everything split by the VAT rate in force."""
    parts = ["energy", "markup", "supplier_fee", *(name for name in metered.columns if name.startswith(LEVY))]
    for (vat,), slots in metered.group_by("vat", maintain_order=True):
        rate = float(str(vat))
        for part in parts:
            if (slots[part] != 0.0).any():  # null where the period does not know the levy
                yield _per_kwh(part.removeprefix(LEVY), slots, part, rate)
        for (register,), of_register in slots.group_by("register", maintain_order=True):
            yield _per_kwh(f"distribution {register}", of_register, "distribution", rate)


def _per_kwh(name: str, slots: pl.DataFrame, part: str, vat: float) -> BillLine:
    amount = _cents(_total(slots, pl.col("import_kwh") * pl.col(part)))
    return BillLine(name, _total(slots, pl.col("import_kwh")), "kWh", amount, vat)


def _monthly_lines(tariff: Tariff, first: date, last: date) -> Iterator[BillLine]:
    """Fees per month; a contract that changes within the month is charged by days."""
    days = time_grid.days(first, last)
    for period in tariff.periods:
        covered = sum(1 for day in days if tariff.period_on(day) is period)
        for name, fee in period.monthly.items() if covered else ():
            share = covered / len(days)
            yield BillLine(name, share, "month", _cents(fee * share), period.vat)


def _capacity_lines(tariff: Tariff, last: date, metered: pl.DataFrame) -> Iterator[BillLine]:
    """The highest interval of the month, at the terms in force at its end."""
    period = tariff.period_on(last)
    if period.capacity is not None:
        means_kwh = (
            metered["import_kwh"]
            .to_numpy()
            .reshape(-1, period.capacity.interval_minutes // int(time_grid.SLOT / time_grid.MINUTE))
        )
        peak_kw = units.slot_power_w(float(means_kwh.mean(axis=1).max()))  # kWh in a slot -> kW
        billed_kw = max(peak_kw, period.capacity.floor_kw)
        amount = _cents(billed_kw * period.capacity.price_per_kw_month)
        yield BillLine("capacity", billed_kw, "kW", amount, period.vat)


def _total(slots: pl.DataFrame, expression: pl.Expr) -> float:
    return float(slots.select(expression.sum()).item())


def _cents(amount: float | Decimal) -> Decimal:
    """Rounded half away from zero; the binary noise of sums is cut first, so 0.125 kWh at 1.00 is 0.13."""
    exact = amount if isinstance(amount, Decimal) else Decimal(repr(round(amount, 9)))
    return exact.quantize(CENT, ROUND_HALF_UP)
