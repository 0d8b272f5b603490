"""The sets of a site, their switchboard and what they feed, stepped through time: physics without a socket.

Bars: the sets feed the busbar; the busbar switch joins it to the load, the mains switch joins the load to the mains.
In parallel with the mains each set goes for its target, and the mains give the rest: mains = load - sum of sets. In an
island the sets carry the load in equal parts of their ratings, with droop; one that comes or goes does so by a ramp.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from ems_pipeline.plant.gensets.board import Board, LoadMode, Seen
from ems_pipeline.plant.gensets.genset import UNLOADED_PART, Around, Genset
from ems_pipeline.plant.gensets.phases import step
from ems_pipeline.plant.gensets.sharing import in_island, in_parallel, without_load

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
STEP_S = 0.5
"""All states move in these steps, whoever looks and when."""
NOMINAL_HZ, DROOP_HZ, DROOP_MIDDLE = 50.0, 1.0, 0.5
"""In an island: from no load to full load the frequency falls by so much, and is nominal in the middle."""
DIP_HZ, RECOVERS_S = 4.0, 4.0
"""What a step of the whole rated power does to the frequency, and the time constant in which governors mend it."""
STEADY_HZ = 0.005
SPARE_PART = 0.9
"""Sets are enough for a dead load that they can carry with this part of their rating."""


class Hall:
    """``load_w`` is what the site asks for and may change at any time; valid after `advance` are ``mains_w`` (positive:
    drawn), ``sets_w`` and ``served_w``.
    """

    def __init__(
        self, rated_w: dict[str, float], seed: int = 1, load_w: float = 0.0, board: str = "board",
        begun_at: datetime = EPOCH,
    ) -> None:  # fmt: skip
        """Sets by key with their rated power, at rest, the mains carrying the load.

        Args:
            board: the key of the switchboard.
            begun_at: when time begins, in the zone that the switchboard's clock shows.
        """
        self.sets = {key: Genset(key, w, Random(f"{seed}/{board}/{key}")) for key, w in rated_w.items()}
        self.board_key, self.board = board, Board(Random(f"{seed}/{board}"))
        for nth, genset in enumerate(self.sets.values()):
            genset.running.run_s = 3600.0 * (1240 + 310 * nth) + genset.chance.uniform(0, 3600)
            genset.running.starts = 180 + 20 * nth
            genset.running.energy_wh = 95e6 + 20e6 * nth
        self.begun_at = begun_at
        self._load_w, self.is_mains_ok = load_w, True
        self.now_s, self.left_s = 0.0, 0.0
        self.mains_w, self.sets_w, self.served_w = load_w, 0.0, load_w
        self.dip_hz, self.mains_import_wh, self.mains_export_wh, self.served_wh = 0.0, 0.0, 0.0, 0.0
        self.changes = 0
        """Grows with every step and touch."""
        self.at_work: dict[tuple[str, int], Callable[[float], None]] = {}
        """What faults do in each step, see `switches`."""
        self.is_settled = False
        """Whether the last step changed nothing."""

    @property
    def load_w(self) -> float:
        """What the site asks for."""
        return self._load_w

    @load_w.setter
    def load_w(self, load_w: float) -> None:
        if load_w != self._load_w:
            self._load_w, self.is_settled = load_w, False

    def touch(self) -> None:
        """Somebody pressed a key or switched a fault: the next step may find something to do."""
        self.is_settled = False
        self.changes += 1

    def advance(self, seconds: float) -> None:
        """Let time pass. Where nothing moves, it passes at once."""
        self.left_s += seconds
        while self.left_s >= STEP_S:
            steps = int(self.left_s / STEP_S) if self.is_quiet else 1  # a load that changed shows in the next step
            self.left_s -= steps * STEP_S
            self.step(steps * STEP_S)

    @property
    def is_quiet(self) -> bool:
        """Whether the next step would find everything as it is."""
        board = self.board
        if not self.is_settled or self.dip_hz or self.at_work or not board.is_quiet:
            return False
        if self.is_mains_ok is not board.sees_mains:
            return False
        return board.busbar.is_made is self.is_fed and all(s.is_quiet for s in self.sets.values())

    def step(self, dt_s: float = STEP_S) -> None:
        """All controllers move on, then the load is shared out and the engines carry it."""
        before = self._as_it_is()
        self.now_s += dt_s
        self.changes += 1
        for work in self.at_work.values():
            work(dt_s)
        requested = self.board.is_requesting
        for genset in self.sets.values():
            genset.is_requested = requested
            step(genset, Around(dt_s, self.now_s, self.has_busbar_voltage, self._nobody_closes_but(genset)))
        self.board.step(self._seen(dt_s))
        self._share(dt_s)
        for genset in self.sets.values():
            genset.carry(dt_s)
        self.is_settled = before == self._as_it_is()
        self.mains_import_wh += max(self.mains_w, 0.0) * dt_s / 3600
        self.mains_export_wh += max(-self.mains_w, 0.0) * dt_s / 3600
        self.served_wh += self.served_w * dt_s / 3600

    @property
    def is_fed(self) -> bool:
        """Whether a set feeds the busbar."""
        return any(s.feeds for s in self.sets.values())

    @property
    def is_parallel(self) -> bool:
        """Whether sets and mains feed the load together."""
        return self.is_fed and self.board.busbar.is_made and self.carries_mains

    @property
    def fed_w(self) -> float:
        """What comes through the busbar switch."""
        return self.sets_w if self.board.busbar.is_made else 0.0

    @property
    def carries_mains(self) -> bool:
        """Whether the mains feed the load."""
        return self.is_mains_ok and self.board.mains.is_made

    @property
    def has_busbar_voltage(self) -> bool:
        return self.is_fed or (self.board.busbar.is_made and self.carries_mains)

    @property
    def has_load_voltage(self) -> bool:
        return self.carries_mains or (self.board.busbar.is_made and self.is_fed)

    @property
    def frequency_hz(self) -> float:
        """Of the busbar, where the sets make it."""
        if self.is_parallel:
            return NOMINAL_HZ
        rated_w = sum(s.rated_w for s in self.sets.values() if s.feeds)
        load = self.sets_w / rated_w if rated_w else DROOP_MIDDLE
        return NOMINAL_HZ - DROOP_HZ * (load - DROOP_MIDDLE) - self.dip_hz

    def balanced_w(self) -> tuple[float, float]:
        """What mains and sets give to the load as it is now, W; sets follow with the next step, the mains at once."""
        if self.carries_mains:
            return self.load_w - self.fed_w, self.fed_w
        return 0.0, min(self.fed_w, max(self.load_w, 0.0)) if self.has_load_voltage else 0.0

    def _nobody_closes_but(self, genset: Genset) -> bool:
        others = [s.breaker for s in self.sets.values() if s is not genset]
        return all(b.state == "open" for b in others) and self.board.busbar.is_at_rest

    def _seen(self, dt_s: float) -> Seen:
        feeding = [s for s in self.sets.values() if s.feeds]
        staying = [s for s in feeding if s.stays]
        coming = [s for s in self.sets.values() if s.is_called and not s.feeds]
        can_w = SPARE_PART * sum(s.rated_w for s in staying)
        rated_w = sum(s.rated_w for s in feeding)
        return Seen(
            dt_s, self.now_s, self.is_mains_ok, self.has_busbar_voltage, self.has_load_voltage, bool(feeding),
            bool(staying), not coming or can_w >= self.load_w, self.sets_w <= UNLOADED_PART * rated_w,
        )  # fmt: skip

    def _share(self, dt_s: float) -> None:
        """Who gives what, W; what is not fed by anybody is dark."""
        before_w, behind = self.sets_w, list(self.sets.values())
        if self.is_parallel:
            in_parallel(behind, self._parallel_part(), dt_s)
        elif self.board.busbar.is_made and self.is_fed:
            in_island(behind, max(self.load_w, 0.0), dt_s)
        else:
            without_load(behind)
        self.sets_w = sum([s.power_w for s in behind])
        self.mains_w, _ = self.balanced_w()
        self.served_w = self.load_w if self.carries_mains else self.sets_w
        rated_w = sum([s.rated_w for s in behind if s.feeds])
        stepped = (self.sets_w - before_w) / rated_w if rated_w and not self.carries_mains else 0.0
        self.dip_hz = self.dip_hz * max(1 - dt_s / RECOVERS_S, 0.0) + DIP_HZ * stepped
        self.dip_hz = 0.0 if abs(self.dip_hz) < STEADY_HZ else self.dip_hz

    def _parallel_part(self) -> float | None:
        """What all sets go for, as a part of their ratings; None: each for its own target."""
        if self.board.load_mode is LoadMode.GENERATORS:
            return None
        rated_w = sum([s.rated_w for s in self.sets.values() if s.feeds and s.stays])
        wish = self.board.power_pct / 100 if self.board.load_mode is LoadMode.MAINS else 0.0
        return min(max(self.load_w / rated_w - wish, 0.0), 1.0) if rated_w else 0.0

    def _as_it_is(self) -> tuple[object, ...]:
        """What a step may change where nothing is being timed."""
        board = self.board
        sets = [(s.state, s.breaker.state, s.power_w, s.panel.shown) for s in self.sets.values()]
        return (*sets, board.mains_state, board.mains.state, board.busbar.state, board.is_requesting, self.load_w)
