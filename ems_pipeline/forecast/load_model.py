"""House load by a trained model: a median line, boosted medians and a band, on features known at the decision time.

One model per site serves every lead from the running slot to six days ahead: it is trained on pairs of a decision time
and a target, the afternoon before, hours before and just before. It works on the logarithm of the load (plus a floor),
where a kettle at night and an oven at noon are equally rare, and a band moves by a factor and never below zero.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ems_pipeline import time_grid
from ems_pipeline.arrays import Array, Positions
from ems_pipeline.forecast import band, load_members, load_weather
from ems_pipeline.forecast.features import features
from ems_pipeline.forecast.load_grid import LoadGrid
from ems_pipeline.forecast.load_inputs import FLOOR_SHARE
from ems_pipeline.forecast.load_members import Members, Sample
from ems_pipeline.forecast.profile import known_history
from ems_pipeline.local_time import INSTANT

MODEL = "load-members"
ENOUGH = timedelta(days=28)
"""Measured history from which a model is trained; the profile forecasts until then."""
HISTORY = timedelta(days=400)
"""What a model is trained on: all seasons once."""
MEMORY_WEEKS = 10
"""What a forecast reads: eight weeks of shapes, up to six days ahead."""
WARM_UP_DAYS = 8
HALF_LIFE_DAYS = 200
MAX_ROWS = 18_000
PIECES_PER_DAY = 4
"""Independent stretches of a day: night, morning, afternoon and evening each go their own way as a whole."""
LEADS_H = (0, 4, 36)
"""Besides the noon before, each target is learned once from a decision time in each of these spans."""
SEEDS = (1, 2, 3)
"""Each draws a sample of its own and trains its members on it: more of the history is seen, less is left to chance."""


@dataclass(frozen=True)
class LoadModel:
    """A trained model; ``floor_w`` is what the load is raised by before its logarithm is taken.

    ``members`` of every sample find the median together; where it earned that, the ``weather`` corrects them.
    """

    members: tuple[Members, ...]
    band: band.Band
    floor_w: float
    step_s: int
    weather: load_weather.Correction | None = None

    def predict(self, grid: LoadGrid, origin: Positions, target: Positions) -> tuple[Array, Array, Array]:
        """``(p10_w, power_w, p90_w)`` per pair of grid positions, W >= 0; power_w is the median.

        Raises:
            ValueError: a pair that `features` refuses.
        """
        rows, names = features(grid, origin, target)
        middle = _middle(self.members, rows, names, self.floor_w)
        edges = self.band.predict(rows, names, middle)
        moved = load_weather.added(self.weather, grid, origin, target)
        low, middle_w, high = (np.exp(way + moved) - self.floor_w for way in (edges[0], middle, edges[1]))
        middle_w = np.maximum(middle_w, 0.0)
        return np.clip(low, 0.0, middle_w), middle_w, np.maximum(high, middle_w)

    def document(self) -> str:
        """The model as JSON text, for the warehouse; `from_document` forecasts the same to the last bit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_document(cls, document: str) -> LoadModel:
        """The model that `document` wrote."""
        parts = json.loads(document)
        members = tuple(Members.from_parts(each) for each in parts["members"])
        weather = load_weather.Correction.from_parts(parts["weather"]) if parts["weather"] else None
        return cls(members, band.Band.from_parts(parts["band"]), parts["floor_w"], parts["step_s"], weather)


def _middle(members: Sequence[Members], rows: Array, names: tuple[str, ...], floor_w: float) -> Array:
    """Logarithm of the raised median: the mean in W of all members."""
    return np.asarray(np.log(np.mean([each.predict(rows, names, floor_w) for each in members], axis=0) + floor_w))


def training_pairs(grid: LoadGrid, until: int, seed: int) -> tuple[Positions, Positions]:
    """Decision times and targets to learn from, all measured before grid position ``until``; at most `MAX_ROWS`."""
    generator = np.random.default_rng(seed)
    first_day = max(WARM_UP_DAYS, int(grid.day[until - 1]) - HISTORY.days)
    target = np.flatnonzero(np.isfinite(grid.values[:until]) & (grid.day[:until] >= first_day)).astype(np.int64)
    noon_before = target - grid.slot[target] - grid.per_day // 2
    spans = pairwise(LEADS_H)
    drawn = [target - generator.integers(grid.steps(a) if a else 0, grid.steps(b), len(target)) for a, b in spans]
    origin, target = np.concatenate([noon_before, *drawn]), np.tile(target, len(drawn) + 1)
    usable = np.flatnonzero((origin >= 1) & (origin <= target))
    kept = np.sort(generator.permutation(usable)[:MAX_ROWS])
    return origin[kept], target[kept]


def has_enough(grid: LoadGrid, until: int) -> bool:
    """Whether `ENOUGH` is measured before grid position ``until``; small gaps are forgiven."""
    return bool(np.isfinite(grid.values[:until]).sum() * grid.step >= 0.9 * ENOUGH)


def train(grid: LoadGrid, until: int) -> LoadModel:
    """Learn from what was measured before grid position ``until`` and from nothing later.

    Raises:
        ValueError: less than `ENOUGH` measured; forecast by profile until there is more.
    """
    if not has_enough(grid, until):
        raise ValueError(f"less than {ENOUGH.days} days of load are measured; forecast by the profile until then")
    samples = [_sample(grid, until, seed) for seed in SEEDS]
    members = tuple(load_members.fit(sample, seed) for sample, seed in zip(samples, SEEDS, strict=True))
    first = samples[0]
    edges = band.fit(first.rows, first.log_load, first.names, first.day, first.leaf(), first.weight, PIECES_PER_DAY)
    expected = _middle(members, first.rows, first.names, first.floor_w)
    weather = load_weather.fit(grid, first, expected)
    return LoadModel(members, edges, first.floor_w, round(grid.step.total_seconds()), weather)


def _sample(grid: LoadGrid, until: int, seed: int) -> Sample:
    known = grid.values[:until]
    floor_w = max(FLOOR_SHARE * float(np.nanmean(known)), 1.0)
    origin, target = training_pairs(grid, until, seed)
    rows, names = features(grid, origin, target)
    # A counter tells the load to within a step; the edges of a band must not stick to its rungs.
    rung = resolution_w(known) * (np.random.default_rng(seed).random(len(target)) - 0.5)
    log_load = np.log(np.maximum(grid.values[target] + rung, 0) + floor_w)
    day = grid.day[target]
    weight = 0.5 ** ((grid.day[until - 1] - day) / HALF_LIFE_DAYS)
    return Sample(origin, target, rows, names, log_load, day, weight, floor_w)


def resolution_w(values: Array) -> float:
    """Step of the meter as seen in its values, W; 0 where they are as good as continuous."""
    known = values[np.isfinite(values)]
    distinct = np.unique(np.round(known, 1))
    if len(distinct) < 2 or len(distinct) * 20 > len(known):
        return 0.0
    return float(np.quantile(np.diff(distinct), 0.1))


def forecast(
    model: LoadModel, history: pl.DataFrame, slots: Sequence[datetime], site_zone: ZoneInfo, now: datetime,
    country: str | None = None, weather: pl.DataFrame | None = None,
) -> pl.DataFrame:  # fmt: skip
    """Load of the coming slots as known at ``now``.

    Args:
        history: ``[starts_at, power_w]`` per slot; rows from ``now`` on are not looked at.
        slots: the slots wanted, from ``now`` to at most six days ahead.
        weather: ``[starts_at, *WEATHER]`` as forecast, for the last two weeks and the slots wanted, if it is known.

    Returns:
        ``[starts_at, power_w, p10_w, p90_w, model]``, W.
    """
    known, step = known_history(history, now, MEMORY_WEEKS), timedelta(seconds=model.step_s)
    grid = LoadGrid.build(known, site_zone, max(slots) + step, country, step, weather)
    target = np.array([grid.position(at) for at in slots], dtype=np.int64)
    origin = np.full_like(target, grid.position(time_grid.floor_slot(now)))
    low, middle, high = model.predict(grid, origin, target)
    frame = {"starts_at": list(slots), "power_w": middle, "p10_w": low, "p90_w": high}
    return pl.DataFrame(frame, schema_overrides={"starts_at": INSTANT}).with_columns(model=pl.lit(MODEL))
