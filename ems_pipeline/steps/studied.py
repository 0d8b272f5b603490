"""What a study came to: savings by variant with their intervals, what was lived of it, and the digest of all days."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import polars as pl

from ems_pipeline.backtest.paired import Compared, by_month, compared
from ems_pipeline.backtest.study import Study
from ems_pipeline.report.study import StudyPage
from ems_pipeline.steps.platform import Platform
from ems_pipeline.warehouse import studies
from ems_pipeline.warehouse.studies import Part


def read(platform: Platform, study: str) -> tuple[list[Part], pl.DataFrame]:
    """What is done of a study, and its days."""
    with studies.opened(platform.warehouse) as connection:
        return studies.parts(connection, study), studies.days(connection, study)


def variant_days(days: pl.DataFrame, variant: str) -> pl.DataFrame:
    """Those of one variant."""
    return days.filter(days["variant"] == variant)


def page(platform: Platform, study: Study, base: str | None = None) -> StudyPage:
    """A study as far as it is lived, each variant against ``base`` (the first where none is named)."""
    chosen = base or next(iter(study.variants))
    parts, days = read(platform, study.study)
    others = [name for name in study.variants if name != chosen]
    months = {name: by_month(variant_days(days, name), variant_days(days, chosen)) for name in others}
    codes = sorted({part.code_version for part in parts})
    return StudyPage(
        study.study, chosen, _rows(days, others, chosen), months, coverage(parts), digest(parts), codes
    )  # fmt: skip


def conclude(platform: Platform, study: Study) -> None:
    """Store what it came to so far, for those who read and do not reckon (`study.saving`)."""
    base, *others = study.variants
    now = platform.clock.now()
    with studies.opened(platform.warehouse) as connection:
        days = studies.days(connection, study.study)
        rows = [
            (study.study, r.variant, r.base, r.currency, r.tariff, r.season, r.homes, r.days, r.net_cost,
             r.base_net_cost, r.saved.value, r.saved.low, r.saved.high, now)
            for r in _rows(days, others, base)
        ]  # fmt: skip
        studies.conclude(connection, study.study, pl.DataFrame(rows, schema=SAVING, orient="row"))


SAVING = [
    "study_key", "variant", "base", "currency", "tariff", "season", "homes", "days", "net_cost", "base_net_cost",
    "saved", "saved_low", "saved_high", "concluded_at",
]  # fmt: skip


def _rows(days: pl.DataFrame, others: Sequence[str], base: str) -> list[Compared]:
    other = variant_days(days, base)
    return [row for name in others for row in compared(variant_days(days, name), other, name, base)]


def coverage(parts: Sequence[Part]) -> list[tuple[str, str, int, int]]:
    """Home, variant, days lived, days asked for."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for part in parts:
        lived, asked = sums.get((part.home, part.variant), (0, 0))
        sums[part.home, part.variant] = lived + part.lived_days, asked + part.asked_days
    return [(home, variant, lived, asked) for (home, variant), (lived, asked) in sums.items()]


def digest(parts: Sequence[Part]) -> str:
    """Of all days: the same study by the same program has the same one, however often it was interrupted."""
    rows = sorted((part.home, part.variant, str(part.month), part.rows_digest) for part in parts)
    return hashlib.sha256(repr(rows).encode()).hexdigest()
