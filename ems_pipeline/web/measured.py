"""What was measured between two days, in as many buckets as a picture has room for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ems_pipeline import time_grid
from ems_pipeline.api.caller import Caller
from ems_pipeline.api.database import Database
from ems_pipeline.api.reading import Row, rows
from ems_pipeline.api.routes.telemetry import POWERS
from ems_pipeline.api.values import kilo, rounded
from ems_pipeline.time_grid import SLOT
from ems_pipeline.web.site import Head

LONGEST = timedelta(days=400)
DAY = timedelta(days=1)
STEPS = ((2, SLOT), (8, 4 * SLOT), (31, 12 * SLOT), (62, 24 * SLOT))
"""Up to so many days, the length of a bucket; beyond it is a civil day. No picture has more than 400."""
REASONS_UP_TO = timedelta(days=7)
"""Single answers of more days are too many to look through while somebody waits."""
MOST_REASONS = 30
OTHERS = ("soc_pct", "indoor_c", "outdoor_c")
SERIES = (*(f"{name}_kw" for name in POWERS), *OTHERS)


def _figures(name: str, column: str, unit: str) -> str:
    of = {"avg": "", "min": "_low", "max": "_high"}
    scaled = kilo if unit == "kw" else rounded
    return ", ".join(f"{scaled(f'{how}({column})')} AS {name}{end}" for how, end in of.items())


FIGURES = ", ".join(
    [_figures(f"{name}_kw", f"{name}_w", "kw") for name in POWERS] + [_figures(name, name, "") for name in OTHERS]
)
BUCKETS = f"""
    SELECT {{bucket}} AS starts_at, {FIGURES},
           {rounded("sum(coalesce(coverage_pct, 0))")} AS coverage_sum
    FROM ems.vw_site_15m {{joined}}
    WHERE site_key = %(site)s AND starts_at >= %(start)s AND starts_at < %(end)s GROUP BY 1 ORDER BY 1"""
OF_DAYS = BUCKETS.format(
    bucket="(starts_at AT TIME ZONE 'UTC' + z.utc_offset)::date",
    joined="""JOIN ems.zone_offset z
        ON z.timezone = %(zone)s AND starts_at >= z.valid_from AND starts_at < z.valid_to""",
)
OF_HOURS = BUCKETS.format(bucket="date_bin(%(step)s, starts_at, %(start)s)", joined="")
PARTS = "SELECT DISTINCT quantity FROM ems.point WHERE site_key = %(site)s"
OF_PARTS = {f"{name}_power_w": f"{name}_kw" for name in POWERS} | {
    "battery_soc_pct": "soc_pct", "indoor_temp_c": "indoor_c", "outdoor_temp_c": "outdoor_c",
}  # fmt: skip
"""Which quantity of a device a series needs; the house is what is left."""
REASONS = f"""
    SELECT p.device_key AS device, p.quantity, t.quality, t.reason, min(t.reported_at) AS first_at,
           max(t.reported_at) AS last_at, count(*) AS answers
    FROM ems.point p JOIN ems.telemetry t USING (point_id)
    WHERE p.site_key = %(site)s AND p.quantity = ANY (%(quantities)s) AND t.quality NOT IN (0, 6)
      AND t.reported_at >= %(start)s AND t.reported_at < %(end)s
    GROUP BY 1, 2, 3, 4 ORDER BY 6 DESC LIMIT {MOST_REASONS}"""


@dataclass(frozen=True)
class Measured:
    """Buckets of days ``first`` to ``last``.

    Args:
        starts: of every bucket, those that nobody measured too.
        rows: by start: the mean of each of `SERIES`, with ``_low`` and ``_high``, and ``coverage_pct``.
        shown: those of `SERIES` that the site can say.
        reasons: why values are missing or doubtful; None: not looked for over so many days.
    """

    first: date
    last: date
    step: timedelta
    starts: list[datetime]
    rows: dict[datetime, Row]
    shown: list[str]
    reasons: list[Row] | None

    @property
    def are_means(self) -> bool:
        """Whether a point is the mean of several quarter-hours."""
        return self.step > SLOT


async def measured(database: Database, caller: Caller, head: Head, first: date, last: date) -> Measured:
    """What a site's bus was between two civil days, both included."""
    zone = head.said.zone
    start, end = time_grid.day_bounds(first, zone)[0], time_grid.day_bounds(last, zone)[1]
    step = next((length for days, length in STEPS if (last - first).days < days), DAY)
    starts = _starts(first, last, start, end, step, head)
    asked = {"site": head.key, "start": start, "end": end}
    async with database.reading(caller) as connection:
        parts = {row["quantity"] for row in await rows(connection, PARTS, site=head.key)}
        query = OF_DAYS if step == DAY else OF_HOURS
        found = await rows(connection, query, zone=zone.key, step=step, **asked)
        if step == DAY:
            found = [row | {"starts_at": time_grid.day_bounds(row["starts_at"], zone)[0]} for row in found]
        reasons = None
        if end - start <= REASONS_UP_TO + 4 * SLOT:  # a week in which the clock is put back is a week
            reasons = await rows(connection, REASONS, quantities=list(OF_PARTS), **asked)
    ends = [*starts[1:], end]
    slots = {at: time_grid.count_slots(at, until) for at, until in zip(starts, ends, strict=True)}
    by_start = {
        row["starts_at"]: row | {"coverage_pct": row["coverage_sum"] / slots[row["starts_at"]]} for row in found
    }
    shown = [name for quantity, name in OF_PARTS.items() if quantity in parts]
    return Measured(first, last, step, starts, by_start, ["load_kw", *shown] if shown else [], reasons)


def _starts(first: date, last: date, start: datetime, end: datetime, step: timedelta, head: Head) -> list[datetime]:
    if step == DAY:
        return [time_grid.day_bounds(day, head.said.zone)[0] for day in time_grid.days(first, last)]
    return [start + n * step for n in range(-(-(end - start) // step))]
