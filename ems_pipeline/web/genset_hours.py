"""The last hours of one controller in buckets: means, and the states it was in.

A minute in which nothing moved is not written, for a quarter of an hour: what was written last holds so long, unless
the link was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from ems_pipeline.api.reading import Row, first, rows
from ems_pipeline.pictures.panel import Span
from ems_pipeline.web.reader import Reader
from ems_pipeline.web.site import Head

HOURS = {3: timedelta(minutes=2), 8: timedelta(minutes=5), 24: timedelta(minutes=15), 72: timedelta(minutes=30)}
"""Up to how many hours, and the length of a bucket then."""
HOLDS = timedelta(minutes=15)
NAMES = ("power_w", "power_target_pct", "grid_w", "coolant_c", "oil_kpa", "fuel_pct")
STATES = ("engine_state", "link")
NUMBER = "SELECT controller_id FROM ems.genset_controller WHERE site_key = %(site)s AND device_key = %(device)s"
BUCKETS = f"""
    SELECT date_bin(%(step)s, minute_at, %(start)s) AS starts_at, max(minute_at) AS last_at,
           {", ".join(f"avg({name})::double precision AS {name}" for name in NAMES)}
    FROM ems.genset_minute
    WHERE controller_id = %(number)s AND minute_at >= %(start)s::timestamptz - %(holds)s::interval
      AND minute_at < %(end)s GROUP BY 1 ORDER BY 1"""
CHANGES = """
    SELECT at, was, became FROM ems.genset_change
    WHERE controller_id = %(number)s AND name = %(name)s AND at > %(start)s AND at < %(end)s ORDER BY at LIMIT 500"""
KEPT_BEFORE = """
    SELECT became FROM ems.genset_change WHERE controller_id = %(number)s AND name = %(name)s AND at <= %(start)s
    AND at > %(start)s::timestamptz - interval '7 days' ORDER BY at DESC LIMIT 1"""


Stretch = tuple[datetime, datetime, str | None]
"""From when to when something was; None: nobody knows what."""


@dataclass(frozen=True)
class Hours:
    """Buckets that begin at ``starts``; ``rows`` are those that are known.

    Args:
        states: what the engine was in, from when to when; None: nobody knows.
    """

    starts: list[datetime]
    step: timedelta
    rows: dict[datetime, Row]
    states: list[Stretch]

    def values(self, name: str, per: float = 1.0) -> list[float | None]:
        """Of every bucket."""
        found = [self.rows.get(at, {}).get(name) for at in self.starts]
        return [None if value is None else value / per for value in found]

    def state(self, at: datetime) -> str | None:
        """What the engine was in at an instant."""
        return next((word for begin, end, word in self.states if begin <= at < end), None)


async def hours(reader: Reader, head: Head, device: str, back: int, state: str | None) -> Hours:
    """The last ``back`` hours, at most the longest of `HOURS`; ``state`` is what the engine is in now."""
    step, now = next(step for most, step in HOURS.items() if back <= most), head.said.now
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    start = _floor(now - timedelta(hours=back), step)
    starts = [start + n * step for n in range(-(-(end - start) // step))]
    async with reader.web.database.reading(reader.known) as connection:
        known = await first(connection, NUMBER, site=head.key, device=device)
        if known is None:
            return Hours(starts, step, {}, [])
        asked = {"number": known["controller_id"], "start": start, "end": end, "step": step, "holds": HOLDS}
        found = await rows(connection, BUCKETS, **asked)
        engine, link = [await rows(connection, CHANGES, name=name, **asked) for name in STATES]
        engine_before, link_before = [await first(connection, KEPT_BEFORE, name=name, **asked) for name in STATES]
    lost = [one for one in spans(link, link_before, None, start, now) if one[2] == "down"]
    by_start = _held({row["starts_at"]: row for row in found}, starts, step, now, lost)
    unheard = (start, max(start, min(by_start, default=now)), "down")
    return Hours(starts, step, by_start, _less(spans(engine, engine_before, state, start, now), [unheard, *lost]))


def spans(changes: list[Row], before: Row | None, now_is: str | None, start: datetime, end: datetime) -> list[Stretch]:
    """From when to when a state was; without any change the one of before, else of now, held all the time."""
    word = changes[0]["was"] if changes else before["became"] if before else now_is
    found, at = list[Stretch](), start
    for change in changes:
        found.append((at, change["at"], word))
        at, word = change["at"], change["became"]
    return [*found, (at, end, word)]


def _less(states: list[Stretch], lost: list[Stretch]) -> list[Stretch]:
    """The same, unknown while the link was lost."""
    edges = sorted({at for begin, end, _ in (*states, *lost) for at in (begin, end)})
    found = list[Stretch]()
    for begin, end in pairwise(edges):
        is_lost = any(one[0] <= begin < one[1] for one in lost)
        word = None if is_lost else next((w for b, e, w in states if b <= begin < e), None)
        if found and found[-1][2] == word:
            found[-1] = found[-1][0], end, word
        else:
            found.append((begin, end, word))
    return found


def _held(
    found: dict[datetime, Row], starts: list[datetime], step: timedelta, now: datetime,
    lost: list[Stretch],
) -> dict[datetime, Row]:  # fmt: skip
    held = dict[datetime, Row]()
    last = next((row for at, row in reversed(found.items()) if at < starts[0]), None)
    for at in starts:
        last = found.get(at, last)
        is_lost = any(begin < at + step and at < end for begin, end, _ in lost)
        is_known = at in found or (last is not None and at - last["last_at"] < HOLDS and not is_lost and at <= now)
        if last is not None and is_known:
            held[at] = last
    return held


def strip(states: list[Stretch], said: dict[str, str]) -> list[Span]:
    """As spans of a picture; what nobody knows is left out."""
    colours = {"running": "genset", "standby": "hold", "stop_failure": "reserve"}
    return [
        Span(begin, end, said.get(word, word), colours.get(word, "battery"))
        for begin, end, word in states
        if word is not None and end > begin
    ]


def _floor(at: datetime, step: timedelta) -> datetime:
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (at - day) // step * step
