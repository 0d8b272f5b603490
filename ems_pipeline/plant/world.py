"""The physics of one site: everything behind its meters, stepped to wherever the clock stands.

Time passes when somebody looks: each access advances the world minute by minute to ``clock.now()``, so a simulated
clock may jump over hours. Powers are constant within a minute and decided anew at its start and after every write; the
grid meter closes the balance at every instant. One lock, because protocol servers ask from their own threads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from threading import RLock

from ems_pipeline import time_grid
from ems_pipeline.plant import day as days
from ems_pipeline.plant.charging import Charging
from ems_pipeline.plant.gensets.sited import hall_of
from ems_pipeline.plant.heating import Heating
from ems_pipeline.plant.hybrid import inverters_of
from ems_pipeline.plant.overcast import cloud_cover
from ems_pipeline.plant.replay import Replay
from ems_pipeline.plant.sky import Sky
from ems_pipeline.sites import Site
from ems_pipeline.time_grid import Clock

INTERNAL_GAINS_K = 1.2
"""Warmth of people and appliances, as the temperature difference it holds."""
APERTURE_M2_PER_W_K = 0.01
"""Sun through windows, by the size of the house as its heat loss tells it."""


@dataclass
class Flows:
    """The bus at one instant, W: ``grid_w + pv_w + battery_w + genset_w = load_w + ev_w + heat_pump_w``."""

    grid_w: float = 0.0
    pv_w: float = 0.0
    battery_w: float = 0.0
    load_w: float = 0.0
    ev_w: float = 0.0
    heat_pump_w: float = 0.0
    genset_w: float = 0.0


@dataclass
class Counters:
    """Energy through the connection point and into all consumers since the start, Wh."""

    import_wh: float = 0.0
    export_wh: float = 0.0
    consumed_wh: float = 0.0
    heat_pump_wh: float = 0.0


@dataclass
class Midnight:
    """Counters as they stood at the last local midnight: what daily counters are reset to."""

    counters: Counters = field(default_factory=Counters)
    pv_wh: dict[str, float] = field(default_factory=dict)
    charge_wh: dict[str, float] = field(default_factory=dict)
    discharge_wh: dict[str, float] = field(default_factory=dict)


class World:
    """The site as it is. ``flows``, ``hybrids``, ``chargers`` and ``heatings`` are valid after `advance`."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        seed: int = 1,
        start: datetime | None = None,
        replay: Replay | None = None,
        watchdog_s: float | None = None,
    ) -> None:
        """A site whose battery is half full and whose devices run by their own logic.

        Args:
            start: where time begins to pass (a whole minute); the clock's now when None.
            watchdog_s: what the chargers' watchdogs are set to; None: off.
        """
        self.site, self.clock, self.seed, self.replay = site, clock, seed, replay
        self.zone = time_grid.zone(site.timezone)
        observed = cloud_cover(replay, site) if replay is not None else {}
        self.sky = Sky(seed, site.latitude, site.longitude, observed)
        self.lock = RLock()
        self.at = time_grid.floor_minute(start or clock.now())
        self.changes = 0
        """Grows with every decision: whoever caches what devices say compares it."""
        self.flows, self.counters, self.midnight = Flows(), Counters(), Midnight()
        self._wanted = self.flows
        self.hybrids = {h.key: h for h in inverters_of(site)}
        self.chargings = {c.key: Charging(c, seed, self.zone, watchdog_s) for c in site.chargers}
        self.heatings = {h.key: Heating(h) for h in site.heat_pumps}
        self.hall = hall_of(site, seed, self.at, self.zone)
        """The generating sets and their switchboard; None: the site has none."""
        self.switched_w: dict[str, float] = {}
        """What machines behind a switch draw now, by device; it is part of the house load."""
        self.on_minute: Callable[[World], None] | None = None
        """Called after each minute's decision, e.g. by a logger."""
        self._order = count()
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._day = days.build(site, seed, self.sky, days.midnight(self.at), replay)
        self._next = self.at + time_grid.MINUTE
        self._decide()

    @property
    def soc_pct(self) -> float | None:
        """State of charge of all batteries together; None without any."""
        cells = [h.cells for h in self.hybrids.values() if h.cells is not None]
        capacity_wh = sum(c.capacity_wh for c in cells)
        return 100 * sum(c.energy_wh for c in cells) / capacity_wh if cells else None

    def advance(self, to: datetime | None = None) -> None:
        """Let time pass up to ``to``, the clock's now when None; a clock that went back changes nothing."""
        with self.lock:
            until = self.clock.now() if to is None else to
            while self.at < until:
                end = min(self._next, until)
                if self._events:
                    end = min(end, max(self._events[0][0], self.at))
                self._integrate((end - self.at).total_seconds())
                self.at = end
                if end == self._next:
                    self._next += time_grid.MINUTE
                    self._decide()
                while self._events and self._events[0][0] <= self.at:
                    heappop(self._events)[2]()

    def schedule(self, at: datetime, action: Callable[[], None]) -> None:
        """Have ``action`` done when time reaches ``at``: what happens by the clock alone (reverting, rebooting)."""
        with self.lock:
            heappush(self._events, (at, next(self._order), action))

    def decide_again(self) -> None:
        """After a setting changed: devices follow at once."""
        with self.lock:
            self._decide()

    def _decide(self) -> None:
        """Powers from now to the end of the minute: consumers first, then the inverters, the grid takes the rest."""
        today = self._today()
        i = (self.at - today.starts_at).seconds // 60
        if today.local_minute[i] == 0:
            self.midnight = self._counters_now()
        load_w = today.load_w[i] + sum(self.switched_w.values())
        ev_w = sum([w.decide(self.at) for w in self.chargings.values()])
        heat_pump_w = 0.0
        for heating in self.heatings.values():
            loss = heating.pump.house.heat_loss_w_per_k
            gains_w = loss * (INTERNAL_GAINS_K + APERTURE_M2_PER_W_K * today.ghi_w_m2[i])
            drawn_w = today.hot_water_w[heating.pump.key][i] if heating.tank is not None else 0.0
            heat_pump_w += heating.decide(today.outdoor_c[i], gains_w, drawn_w)
        needed_w = load_w + ev_w + heat_pump_w
        left_w = self._inverters(needed_w, i, today)
        hybrids = self.hybrids.values()
        pv_w, battery_w = sum([h.pv_w for h in hybrids]), sum([h.battery_w for h in hybrids])
        self._wanted = Flows(left_w, pv_w, battery_w, load_w, ev_w, heat_pump_w)
        self._balance()
        if self.on_minute is not None and self._next - self.at == time_grid.MINUTE:
            self.on_minute(self)

    def _balance(self) -> None:
        """Mains and sets give what is left; where they do not, houses are dark, or the sun's surplus has no taker."""
        self.flows = wanted = self._wanted
        self.changes += 1
        if self.hall is not None:
            self.hall.load_w = wanted.grid_w
            grid_w, genset_w = self.hall.balanced_w()
            missing_w = wanted.grid_w - grid_w - genset_w
            self.flows = replace(
                wanted,
                grid_w=grid_w,
                genset_w=genset_w,
                load_w=wanted.load_w - max(missing_w, 0.0),
                pv_w=wanted.pv_w + min(missing_w, 0.0),
            )

    def _inverters(self, needed_w: float, i: int, today: days.Day) -> float:
        """Each inverter sees what the others leave to the grid; returns what is left in the end."""
        seconds = max((self._next - self.at).total_seconds(), 1.0)
        for hybrid in self.hybrids.values():
            hybrid.pv_available_w = sum([today.pv_w[a.key][i] for a in hybrid.arrays])
        left_w = needed_w - sum([h.pv_available_w for h in self.hybrids.values()])
        for hybrid in self.hybrids.values():
            left_w += hybrid.pv_available_w
            left_w -= hybrid.decide(left_w, today.local_minute[i], today.weekday[i], seconds)
        return left_w

    def _integrate(self, seconds: float) -> None:
        counters, flows, hours = self.counters, self.flows, seconds / 3600
        consumed_wh = (flows.load_w + flows.ev_w + flows.heat_pump_w) * hours
        if self.hall is None:
            counters.import_wh += max(flows.grid_w, 0.0) * hours
            counters.export_wh += max(-flows.grid_w, 0.0) * hours
        else:  # what it gives changes within a minute
            own_wh, served_wh = (flows.pv_w + flows.battery_w) * hours, self.hall.served_wh
            self.hall.advance(seconds)
            counters.import_wh, counters.export_wh = self.hall.mains_import_wh, self.hall.mains_export_wh
            consumed_wh = max(own_wh + self.hall.served_wh - served_wh, 0.0)
            self._balance()
        counters.consumed_wh += consumed_wh
        counters.heat_pump_wh += flows.heat_pump_w * hours
        for hybrid in self.hybrids.values():
            hybrid.integrate(seconds)
        for charging in self.chargings.values():
            charging.integrate(seconds)
        for heating in self.heatings.values():
            heating.integrate(seconds)

    def _counters_now(self) -> Midnight:
        hybrids = self.hybrids.values()
        return Midnight(
            replace(self.counters),
            {h.key: h.pv_wh for h in hybrids},
            {h.key: h.charge_wh for h in hybrids},
            {h.key: h.discharge_wh for h in hybrids},
        )

    def _today(self) -> days.Day:
        if self.at - self._day.starts_at >= timedelta(days=1):
            self._day = days.build(self.site, self.seed, self.sky, days.midnight(self.at), self.replay)
        return self._day
