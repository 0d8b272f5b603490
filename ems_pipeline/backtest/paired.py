"""Two variants on the same days: what one saved against the other, and how sure that is, per tariff and season."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from ems_pipeline.backtest.intervals import Interval, total

SEASONS = {12: "winter", 1: "winter", 2: "winter", 3: "spring", 4: "spring", 5: "spring", 6: "summer", 7: "summer",
           8: "summer", 9: "autumn", 10: "autumn", 11: "autumn"}  # fmt: skip
ALL = "all"
YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Compared:
    """What ``variant`` saved against ``base`` on the days that both were lived, homes added up; money in ``currency``.

    Attributes:
        tariff: of the variant; `ALL` for all of them.
        season: `ALL` for the whole year.
        net_cost, base_net_cost: the bill less what stayed in the cells.
        saved: with its 95 % interval over days drawn in pairs, all homes of a day together.
    """

    variant: str
    base: str
    currency: str
    tariff: str
    season: str
    homes: int
    days: int
    net_cost: float
    base_net_cost: float
    saved: Interval

    @property
    def saved_per_home_year(self) -> Interval:
        """As if every day of a year were like these; only for a whole year of days that is true."""
        return self.saved.times(YEAR_DAYS / self.days / self.homes)


def compared(days: pl.DataFrame, other: pl.DataFrame, variant: str, base: str) -> Iterator[Compared]:
    """Pairs of days of the same home, by tariff and season, the whole first.

    Args:
        days, other: rows of ``study.day`` of the variant and of what it is compared with.
    """
    pairs = days.join(
        other.select("home_key", "day", "currency", base_net="net_cost"),
        on=["home_key", "day", "currency"],
        how="inner",
    ).with_columns(season=pl.col("day").dt.month().replace_strict(SEASONS, return_dtype=pl.String))
    for (currency,), of_currency in (
        pairs.sort("currency").partition_by("currency", as_dict=True, maintain_order=True).items()
    ):
        for tariff in _with_all(of_currency["tariff"]):
            priced = of_currency if tariff == ALL else of_currency.filter(pl.col("tariff") == tariff)
            for season in _with_all(priced["season"]):
                rows = priced if season == ALL else priced.filter(pl.col("season") == season)
                yield _summed(rows, variant, base, (str(currency), tariff, season))


def _with_all(values: pl.Series) -> list[str]:
    """`ALL`, and each of them where there are several."""
    found = sorted(values.unique())
    return [ALL, *found] if len(found) > 1 else [ALL]


def _summed(rows: pl.DataFrame, variant: str, base: str, labels: tuple[str, str, str]) -> Compared:
    by_day = rows.group_by("day", maintain_order=True).agg(saved=(pl.col("base_net") - pl.col("net_cost")).sum())
    return Compared(
        variant, base, *labels, rows["home_key"].n_unique(), by_day.height, float(rows["net_cost"].sum()),
        float(rows["base_net"].sum()), total(by_day.sort("day")["saved"].to_numpy()),
    )  # fmt: skip


def by_month(days: pl.DataFrame, other: pl.DataFrame) -> dict[date, float]:
    """What was saved in each month that both were lived in, homes added up."""
    pairs = days.join(other.select("home_key", "day", base_net="net_cost"), on=["home_key", "day"], how="inner")
    sums = pairs.group_by("month").agg(saved=(pl.col("base_net") - pl.col("net_cost")).sum()).sort("month")
    return dict(sums.iter_rows())
