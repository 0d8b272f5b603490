"""A backtest as one HTML file without any outside reference: what each variant saved, how sure that is, and where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from ems_pipeline.backtest.paired import ALL, Compared
from ems_pipeline.pictures.bars import Bars, bars
from ems_pipeline.pictures.whiskers import Whisker, Whiskers, whiskers
from ems_pipeline.report.template import template

MOST_BARS = 4
"""Variants whose months are drawn beside each other; the tables have all."""


@dataclass(frozen=True)
class StudyPage:
    """What the page shows: rows of every variant against ``base``, and its months.

    Args:
        coverage: home, variant, lived days, asked days.
        digest: of all rows; the same study of the same program has the same one.
    """

    name: str
    base: str
    rows: Sequence[Compared]
    months: Mapping[str, Mapping[date, float]]
    coverage: Sequence[tuple[str, str, int, int]]
    digest: str
    code_versions: Sequence[str]


def html(page: StudyPage) -> str:
    """The page of a study."""
    whole = [row for row in page.rows if row.tariff == row.season == ALL]
    return template("study.html.j2").render(
        page=page, whole=whole, sure=picture(whole, "saved a home and year"), months=_months(page),
        parts=[(variant, picture(rows, variant), rows) for variant, rows in _by_variant(page.rows)],
    )  # fmt: skip


def picture(rows: Sequence[Compared], title: str) -> Markup | None:
    """Savings with their intervals; None where there is nothing to show."""
    shown = [Whisker(_name(row), year.value, year.low, year.high) for row in rows for year in [row.saved_per_home_year]]
    if not shown:
        return None
    summary = "money saved by a home in a year, and its 95 % interval, a row each"
    return whiskers(Whiskers(shown, f"{rows[0].currency} a year", title, summary))


def _name(row: Compared) -> str:
    parts = [part for part in (row.tariff, row.season) if part != ALL]
    return ", ".join([row.variant, *parts])


def _by_variant(rows: Iterable[Compared]) -> list[tuple[str, list[Compared]]]:
    named: dict[str, list[Compared]] = {}
    for row in rows:
        named.setdefault(row.variant, []).append(row)
    return [(variant, found) for variant, found in named.items() if len(found) > 1]


def _months(page: StudyPage) -> Markup | None:
    named = dict(list(page.months.items())[:MOST_BARS])
    every = sorted({month for sums in named.values() for month in sums})
    if not every:
        return None
    series = {variant: [sums.get(month) for month in every] for variant, sums in named.items()}
    currency = page.rows[0].currency if page.rows else ""
    return bars(Bars(every, series, f"saved against {page.base}", currency, "months", "money saved by month"))
