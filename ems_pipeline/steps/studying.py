"""Backtests: histories found, months lived in a pool of processes, results stored as they come.

A study is resumed by being asked for again: a month whose inputs are those it was lived with is left as it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.backtest.history import AsKnown, Record
from ems_pipeline.backtest.imported import Imported
from ems_pipeline.backtest.month import AFTER, BEFORE, History, Lived, Measured, Month, Result, as_lived
from ems_pipeline.backtest.pool import each
from ems_pipeline.backtest.study import Home, Study, StudyInvalid
from ems_pipeline.local_time import INSTANT
from ems_pipeline.sites import Site, load_site
from ems_pipeline.sites.revised import Document, said_by
from ems_pipeline.steps import studied
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.pricing import effective_rows
from ems_pipeline.steps.situation import InputsMissing
from ems_pipeline.steps.windows import window
from ems_pipeline.version import code_version, libraries
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse import studies
from ems_pipeline.warehouse.studies import Part

OnStep = Callable[[str, int, int], None]


def site_document(platform: Platform) -> Callable[[str, Path], Document]:
    """Who finds the sites that a study names: a file beside it, else the registered site of that key."""

    def found(name: str, beside: Path) -> Document:
        if name.endswith((".yaml", ".yml")):
            return said_by(load_site(beside / name))
        with platform.warehouse.begin() as connection:
            return said_by(registry.newest(connection, name))

    return found


@dataclass(frozen=True)
class Stored:
    """History of a registered site, read from the warehouse; prices are by variant, as they were known."""

    home: Measured
    known: dict[str, AsKnown]

    def measured(self) -> Measured:
        """See `month.History`."""
        return self.home

    def digest(self, variant: str) -> str:
        """See `month.History`."""
        known = self.known[variant]
        arrays = (self.home.load_w, self.home.pv_w, np.array(known.since), known.buy_per_kwh, known.sell_per_kwh)
        return hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in arrays)).hexdigest()

    def record(self, measured: Measured, variant: str, site: Site) -> Record:  # noqa: ARG002 - priced already
        """Settled at what is known of the prices now, planned with what was known then."""
        known = self.known[variant]
        return Record(
            measured.starts, known.buy_per_kwh[-1], known.sell_per_kwh[-1], measured.load_w, measured.pv_w, known
        )


@dataclass
class Progress:
    """How far a study has come: home-months done, of how many, and those that cannot be lived, with the reason."""

    on_step: OnStep
    count: int
    done: int = 0
    faults: dict[str, Exception] = field(default_factory=dict)

    def step(self, name: str, fault: Exception | None = None) -> None:
        """One more is over."""
        self.done += 1
        if fault is not None:
            self.faults[name] = fault
        self.on_step(name, self.done, self.count)


def live(
    platform: Platform, study: Study, jobs: int, on_step: OnStep, homes: Sequence[str] = (), month: date | None = None
) -> Progress:
    """Live what is still missing of a study in ``jobs`` processes, and store each month of a home when it is done.

    What is stored when this ends early stays, and is not lived again. What cannot be lived costs only itself.

    Args:
        homes, month: only these; all where none is given.
    """
    wanted = [
        (home, begun)
        for home in study.homes
        for begun in study.months
        if (not homes or home.key in homes) and month in (None, begun)
    ]
    progress = Progress(on_step, len(wanted))
    for lived, outcome in each(_missing(platform, study, wanted, progress), jobs):
        if isinstance(outcome, Exception):
            progress.step(str(lived), outcome)
            continue
        with studies.opened(platform.warehouse) as connection:
            for result in outcome:
                studies.put(connection, *_stored(lived, result), platform.clock.now())
        progress.step(str(lived))
    studied.conclude(platform, study)
    return progress


def _missing(
    platform: Platform, study: Study, wanted: Sequence[tuple[Home, date]], progress: Progress
) -> Iterator[Month]:
    """Those of the home-months in which a variant is not lived yet, or was with other inputs."""
    with studies.opened(platform.warehouse) as connection:
        done = {(p.home, p.variant, p.month): p.inputs_digest for p in studies.parts(connection, study.study)}
    for home, begun in wanted:
        try:
            month = month_of(platform, study, home, begun)
        except (StudyInvalid, ValueError) as fault:
            progress.step(f"{home.key} {begun:%Y-%m}", fault)
            continue
        lacking = {
            name: lived
            for name, lived in month.variants.items()
            if done.get((home.key, name, begun)) != month.digest[name]
        }
        if lacking:
            yield replace(month, variants=lacking)
        else:
            progress.step(str(month))


def month_of(platform: Platform, study: Study, home: Home, begun: date) -> Month:
    """A month of a home with all variants."""
    first, last = study.days_of(begun)
    variants = {name: _lived(home, study, name) for name in study.variants}
    history = _history(platform, home, first, last, variants)
    digests = {name: _digest(study, home, name, (first, last), history) for name in variants}
    return Month(study.study, home.key, first, last, study.start_soc_pct, history, variants, digests)


def _lived(home: Home, study: Study, name: str) -> Lived:
    variant = study.variants[name]
    site, was = variant.of(home), Site.model_validate(home.site)
    as_lived(site)  # refused now, not after the night
    peaks_w = [sum(array.peak_power_w for array in one.pv) for one in (site, was)]
    return Lived(site, variant.forecaster, variant.planner, peaks_w[0] / peaks_w[1] if peaks_w[1] else 1.0)


def _digest(study: Study, home: Home, variant: str, days: tuple[date, date], history: History) -> str:
    """Of all that goes into a month of a variant, the program included."""
    whole = {
        "home": home.model_dump(mode="json"), "variant": study.variants[variant].model_dump(mode="json"),
        "days": [str(day) for day in days], "start_soc_pct": study.start_soc_pct,
        "code": code_version(), "libraries": libraries(), "history": history.digest(variant),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _history(platform: Platform, home: Home, first: date, last: date, variants: dict[str, Lived]) -> History:
    site = next(iter(variants.values())).site
    if home.history is not None:
        return Imported(home.history, site, first, last)
    zone = time_grid.zone(site.timezone)
    start, end = time_grid.day_bounds(first - BEFORE, zone)[0], time_grid.day_bounds(last + AFTER, zone)[1]
    with platform.warehouse.begin() as connection:
        rows = studies.measured(connection, site.key, start, end)
    if rows.is_empty():
        raise StudyInvalid(f"nothing of {site.key} is measured around {first}", "name files, or other days")
    starts = time_grid.slots(start, end)
    whole = pl.DataFrame({"starts_at": starts}, schema={"starts_at": INSTANT}).join(rows, on="starts_at", how="left")
    load_w, pv_w = (whole.sort("starts_at")[name].fill_null(float("nan")).to_numpy() for name in ("load_w", "pv_w"))
    known = {name: _known(platform, one.site, first, last, starts) for name, one in variants.items()}
    return Stored(Measured(starts, load_w, pv_w), known)


def _known(platform: Platform, site: Site, first: date, last: date, starts: list[datetime]) -> AsKnown:
    """Prices of a site in every state of knowledge, one row of arrays each; the last row is what is known now."""
    try:
        rows = effective_rows(platform, window(site, first, last + AFTER))
    except InputsMissing as error:
        raise StudyInvalid(str(error), "backfill market_interval_price for these days, or name files") from None
    place = {at: i for i, at in enumerate(starts)}
    changes = rows.sort("known_at").partition_by("known_at", maintain_order=True)
    buy, sell = np.full((len(changes), len(starts)), np.nan), np.full((len(changes), len(starts)), np.nan)
    since: list[int] = []
    for row, change in enumerate(changes):
        if row:
            buy[row], sell[row] = buy[row - 1], sell[row - 1]
        at = [place[start] for start in change["starts_at"]]
        buy[row, at], sell[row, at] = change["buy_per_kwh"].to_numpy(), change["sell_per_kwh"].to_numpy()
        known_at: datetime = change["known_at"][0]
        since.append(time_grid.count_slots(starts[0], time_grid.ceil_slot(known_at)))
    return AsKnown(since, buy, sell)


def _stored(month: Month, result: Result) -> tuple[Part, pl.DataFrame]:
    site = month.variants[result.variant].site
    asked = (month.last - month.first).days + 1
    part = Part(
        month.study, month.home, result.variant, month.first.replace(day=1), month.digest[result.variant],
        result.digest, asked, result.days.height, code_version(),
    )  # fmt: skip
    return part, result.days.with_columns(tariff=pl.lit(site.tariff.name), currency=pl.lit(site.currency))


def ask(platform: Platform, study: Study) -> None:
    """Store what is asked for, so that Dagster can live it, too, and people can look what it was."""
    with studies.opened(platform.warehouse) as connection:
        studies.ask(connection, study.study, study.model_dump_json(), platform.clock.now())


def asked(platform: Platform) -> dict[str, Study]:
    """Studies that were asked for, by name."""
    with studies.opened(platform.warehouse) as connection:
        return {name: Study.model_validate_json(text) for name, text in studies.asked(connection).items()}


def lived(platform: Platform, study: str, home: str, month: date) -> list[Part]:
    """What is done of a month of a home, by variant."""
    with studies.opened(platform.warehouse) as connection:
        return [part for part in studies.parts(connection, study) if (part.home, part.month) == (home, month)]
