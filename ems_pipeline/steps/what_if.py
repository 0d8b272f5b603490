"""An owner's question, answered by a study: of the site's own measured year, or of files where it has none.

Whoever answers takes on the studies' role for each transaction there (`warehouse.studies.opened`); what it says stays
in schema `study`, and a request over HTTP ends with the names of study and question alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from pydantic import ValidationError

from ems_pipeline import time_grid
from ems_pipeline.backtest.imported import newest_year
from ems_pipeline.backtest.payback import LEAST_DAYS, Answered, answered
from ems_pipeline.backtest.study import Files, Study, StudyInvalid
from ems_pipeline.backtest.what_if import AS_IS, Question, simplified, study
from ems_pipeline.report.what_if import WhatIfPage
from ems_pipeline.sites import Site
from ems_pipeline.steps import studying
from ems_pipeline.steps.platform import Platform
from ems_pipeline.steps.studying import OnStep
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse import studies
from ems_pipeline.warehouse.asked import Asked, NotAnswered

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Wanted:
    """A question about a site with the study that answers it; ``files``: None where the warehouse tells."""

    site: Site
    question: Question
    study: Study
    files: Files | None

    @property
    def key(self) -> str:
        """Of study and question."""
        said = f"{self.study.study} {self.question.model_dump_json()}"
        return hashlib.sha256(said.encode()).hexdigest()[:12]


def wanted(
    platform: Platform, site: Site, question: Question, files: Files | None = None,
    days: tuple[date, date] | None = None,
) -> Wanted:  # fmt: skip
    """What is to be lived; without ``days`` the newest year that there is.

    Raises:
        StudyInvalid: nothing is measured, or the site cannot be lived so.
    """
    asked = question.about(site)
    chosen = days or (_measured_year(platform, site) if files is None else newest_year(files, site))
    return Wanted(site, asked, study(site, asked, chosen, files), files)


def _measured_year(platform: Platform, site: Site) -> tuple[date, date]:
    """The last twelve whole months, fewer where less is measured; until yesterday where that is little."""
    zone, now = time_grid.zone(site.timezone), platform.clock.now()
    today = time_grid.local_day(now, zone)
    yesterday, month_end = today - time_grid.ONE_DAY, today.replace(day=1) - time_grid.ONE_DAY
    with platform.warehouse.begin() as connection:
        since = studies.measured_since(connection, site.key, now - YEAR - timedelta(days=45))
    if since is None:
        raise StudyInvalid(
            f"nothing of {site.key} is measured in the last year",
            "name a history with --history, or backfill telemetry_15m",
        )
    first = max(time_grid.local_day(since, zone) + timedelta(days=8), month_end - YEAR + time_grid.ONE_DAY)
    last = month_end if month_end - first >= timedelta(days=LEAST_DAYS) else yesterday
    if last < first:
        raise StudyInvalid(
            f"{site.key} is measured since {since:%Y-%m-%d}, too short to say anything of a year",
            "ask again in a month, or name a history with --history",
        )
    return first, last


def live(platform: Platform, asked: Wanted, jobs: int, on_step: OnStep) -> WhatIfPage:
    """Live what is missing of the study, and answer; what is lived already is not lived again.

    Raises:
        StudyInvalid: too little could be lived; with the reasons.
    """
    studying.ask(platform, asked.study)
    progress = studying.live(platform, asked.study, jobs, on_step)
    with studies.opened(platform.warehouse) as connection:
        days = studies.days(connection, asked.study.study)
        if days.is_empty():
            reasons = "; ".join(sorted({str(fault) for fault in progress.faults.values()})) or "no day was whole"
            raise StudyInvalid(f"nothing of {asked.site.key} could be lived: {reasons}", "name another history")
        rows = list(answered(asked.study, asked.question, days))
        page = _page(asked, rows, {where: str(fault) for where, fault in progress.faults.items()})
        studies.answer(connection, _header(asked, page, platform.clock.now()), _table(asked.key, rows))
    return page


def _page(asked: Wanted, rows: Sequence[Answered], faults: dict[str, str]) -> WhatIfPage:
    return WhatIfPage(
        asked.key, asked.study.study, asked.site.key, asked.site.currency, asked.study.first, asked.study.last,
        asked.files is None, simplified(asked.site), rows, faults,
    )  # fmt: skip


def _header(asked: Wanted, page: WhatIfPage, now: datetime) -> dict[str, Any]:
    return {
        "what_if_key": asked.key, "study_key": asked.study.study, "site_key": asked.site.key,
        "question": asked.question.model_dump_json(), "is_own": page.is_own, "currency": page.currency,
        "first_day": page.first, "last_day": page.last, "lived_days": page.lived_days,
        "left_out": list(page.left_out), "answered_at": now,
    }  # fmt: skip


SAME = ("variant", "tariff", "battery_kwh", "pv_kwp", "days", "bill", "invested", "cycles", "wear")
"""Columns of `study.what_if_variant` that are called as in `Answered`."""


def _table(key: str, rows: Sequence[Answered]) -> pl.DataFrame:
    ends = [row.payback_years for row in rows]
    return pl.DataFrame(
        {
            "what_if_key": [key] * len(rows),
            "place": list(range(len(rows))),
            **{name: [getattr(row, name) for row in rows] for name in SAME},
            "saved": [row.saved.value for row in rows],
            "saved_low": [row.saved.low for row in rows],
            "saved_high": [row.saved.high for row in rows],
            "payback_years": [None if one is None else one.value for one in ends],
            "payback_low": [None if one is None else one.low for one in ends],
            "payback_high": [None if one is None else one.high for one in ends],
        }
    )


def answer(platform: Platform, asked: Asked) -> dict[str, Any]:
    """What a request over HTTP asks: names of the study and of the question it has answered.

    Raises:
        ValueError: its parameters are no question.
        NotAnswered: it cannot be lived.
    """
    try:
        question = Question.model_validate(asked.parameters)
    except ValidationError as fault:
        raise ValueError(f"these parameters are no question ({fault.errors()[0]['msg']})") from None
    with platform.warehouse.begin() as connection:
        site = registry.newest(connection, asked.site_key)
    try:
        page = live(platform, wanted(platform, site, question), 1, lambda *_: None)
    except StudyInvalid as fault:
        raise NotAnswered(fault.what, fault.remedy) from None
    return {"study": page.study, "what_if": page.key, "base": AS_IS}
