"""What a site's prices were at each moment something about them became known.

A market price appears at 13:05 of the day before, its exchange rate is provisional then and final a day later, the
colour of a Tempo day is announced the day before, and each may be corrected; a contract that no market price enters is
priced without any of it. Each such change is a **layer** of a day;
evaluating layer after layer gives the effective price every decision could have known, in a handful of passes over the
whole window however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Layer:
    """One state of knowledge per day: newest prices, rates and colours then, since when (``day``, ``known_at``).

    ``colours`` has ``day``, the civil day that knows them, ``colour_day`` and ``colour``.
    """

    prices: pl.DataFrame
    rates: pl.DataFrame | None
    colours: pl.DataFrame | None
    since: pl.DataFrame


def layers(
    base: pl.DataFrame, prices: pl.DataFrame, rates: pl.DataFrame | None, colours: pl.DataFrame | None = None
) -> Iterator[Layer]:
    """States of knowledge in order, oldest first.

    Args:
        base: ``day``, ``known_at`` of every day that is wanted, before any market price of it was known.
        prices: all versions: day (the site's civil day), starts_at, price_per_mwh, currency, known_at.
        rates: all versions: rate_on, base, quote, rate, is_provisional, known_at; None when no exchange is needed.
        colours: all versions of Tempo colours: colour_day, colour, known_at; None for another contract.
    """
    wanted = base.select("day").unique()
    changes = [base.select("day", "known_at"), prices.select("day", "known_at")]
    if rates is not None:
        rated = rates.rename({"rate_on": "day"}).join(wanted, on="day", how="semi")
        changes.append(rated.select("day", "known_at"))
    coloured = None if colours is None else _of_civil_days(colours, wanted)
    if coloured is not None:
        changes.append(coloured.select("day", "known_at"))
    ranked = pl.concat(changes).unique().sort("day", "known_at").with_columns(layer=pl.int_range(pl.len()).over("day"))
    for _, since in ranked.group_by("layer", maintain_order=True):
        moment = since.select("day", pl.col("known_at").alias("moment"))
        known_prices = _newest(prices.join(moment, on="day"), ["starts_at"])
        known_rates = None
        if rates is not None:
            known_rates = _newest(rates.join(moment, left_on="rate_on", right_on="day"), ["rate_on", "base", "quote"])
            # A price whose exchange rate nobody knew yet has no value in the site's currency.
            known_prices = known_prices.join(known_rates, left_on="day", right_on="rate_on", how="semi")
        known_colours = None
        if coloured is not None:
            known_colours = _newest(coloured.join(moment, on="day"), ["day", "colour_day"])
        yield Layer(
            known_prices.drop("day", "moment", "known_at"), known_rates, known_colours, since.select("day", "known_at")
        )


def _of_civil_days(colours: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Each version under both civil days that its Tempo day, 06:00 to 06:00, lies in."""
    both = pl.concat([colours.with_columns(day=pl.col("colour_day").dt.offset_by(later)) for later in ("0d", "1d")])
    return both.join(wanted, on="day", how="semi")


def _newest(versions: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    return (
        versions.filter(pl.col("known_at") <= pl.col("moment"))
        .sort("known_at")
        .unique(keys, keep="last", maintain_order=True)
        .sort(keys)
    )
