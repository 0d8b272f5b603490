"""What a study of one home says to its owner: money a year, what is invested, and after how many years it is back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from ems_pipeline.backtest.intervals import Interval, total_of_stretches
from ems_pipeline.backtest.paired import YEAR_DAYS
from ems_pipeline.backtest.study import Study, StudyInvalid
from ems_pipeline.backtest.what_if import AS_IS, NO_BATTERY_WH, Question, pv_kwp
from ems_pipeline.sites import Site
from ems_pipeline.sites.tariff import Tariff
from ems_pipeline.units import kilo

LEAST_DAYS = 21
"""Fewer days say nothing of a year."""
MONTHS = 12


@dataclass(frozen=True)
class Answered:
    """A variant over a year; money in site currency.

    Attributes:
        battery_kwh, pv_kwp: under the variant.
        days: lived under both the variant and the site as it is.
        bill: at the meter and in fees, less what the change in stored energy is worth; wear is not in it.
        saved: against the site as it is, days drawn in stretches of a week.
        invested: for what is more than today; None: its price was not said.
        payback_years: with the years of the interval's ends; None: nothing is invested, or nothing may be saved.
        cycles: full ones of the battery, and ``wear`` what they cost by the site's own price of wear.
    """

    variant: str
    tariff: str
    battery_kwh: float
    pv_kwp: float
    days: int
    bill: float
    saved: Interval
    invested: float | None
    payback_years: Interval | None
    cycles: float
    wear: float


def answered(study: Study, question: Question, days: pl.DataFrame) -> Iterator[Answered]:
    """The site as it is, then each variant.

    Args:
        days: rows of ``study.day`` of the study's only home.

    Raises:
        StudyInvalid: too few days were lived under both.
    """
    (home,) = study.homes
    base = days.filter(days["variant"] == AS_IS)
    now = study.variants[AS_IS].of(home)
    for name, variant in study.variants.items():
        pairs = days.filter(days["variant"] == name).join(base.select("day", base_net="net_cost"), on="day").sort("day")
        if pairs.height < LEAST_DAYS:
            raise StudyInvalid(
                f"{pairs.height} days of {home.key} are lived under {name}, and a year is told from {LEAST_DAYS} on",
                "wait until more is measured, or name files of a longer history",
            )
        yield _one(name, variant.of(home), now, question, pairs, study.last)


def _one(name: str, site: Site, now: Site, question: Question, pairs: pl.DataFrame, last: date) -> Answered:
    years = YEAR_DAYS / pairs.height
    fees, fees_now = yearly_fees(site.tariff, last), yearly_fees(now.tariff, last)
    at_meter = total_of_stretches((pairs["base_net"] - pairs["net_cost"]).to_numpy()).times(years)
    less = fees_now - fees
    saved = Interval(at_meter.value + less, at_meter.low + less, at_meter.high + less)
    has_kwh, had_kwh, throughput_kwh = _kwh(site), _kwh(now), kilo(float(pairs["throughput_wh"].sum())) * years
    invested = _sum(
        _price(has_kwh - had_kwh, question.battery_price_per_kwh),
        _price(pv_kwp(site) - pv_kwp(now), question.pv_price_per_kwp),
    )
    (battery,) = site.batteries
    return Answered(
        name, site.tariff.name, has_kwh, pv_kwp(site), pairs.height, float(pairs["net_cost"].sum()) * years + fees,
        saved, invested, payback(invested, saved), throughput_kwh / 2 / has_kwh if has_kwh else 0.0,
        throughput_kwh * battery.wear_per_kwh,
    )  # fmt: skip


def yearly_fees(tariff: Tariff, day: date) -> float:
    """Fees of a year with VAT, at the terms of a day."""
    period = tariff.period_on(day)
    return MONTHS * sum(period.monthly.values()) * (1 + period.vat)


def payback(invested: float | None, saved: Interval) -> Interval | None:
    """Years until what is saved has paid what was invested, at prices as they were, without interest.

    None where nothing is invested, its price is not known, or the interval of what is saved reaches zero.
    """
    if not invested or saved.low <= 0:
        return None
    return Interval(invested / saved.value, invested / saved.high, invested / saved.low)


def _kwh(site: Site) -> float:
    """Of the study's one battery; the stand-in of a house without one holds nothing."""
    return sum(kilo(one.capacity_wh) for one in site.batteries if one.capacity_wh > NO_BATTERY_WH)


def _price(more: float, per_unit: float | None) -> float | None:
    """What is smaller than today costs nothing, and brings nothing back."""
    if more <= 1e-9:
        return 0.0
    return None if per_unit is None else more * per_unit


def _sum(*parts: float | None) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
