"""A motor-driven switch: synchronising, delays, contacts, and what happens when it sticks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from random import Random

from ems_pipeline.gensets.states import BreakerState

DELAY_S, TRAVEL_S = 0.5, 0.5
"""Before the coil is told, and until the contacts have moved: a dead bus is closed on within a second."""
STUCK_S = 5.0
"""How long the contacts may take before the controller gives up."""
UNLOAD_S = 60.0
"""How long it waits for the load to go before it opens all the same."""
SYNC_S = (5.0, 20.0)
"""Synchronising takes between these, by chance."""
MADE = frozenset({BreakerState.CLOSED, BreakerState.UNLOADING, BreakerState.OPEN_DELAY, BreakerState.WAIT_OPEN})
AT_REST = frozenset({BreakerState.CLOSED, BreakerState.OPEN})


class Failed(Enum):
    """What a switch did not do."""

    TO_CLOSE = auto()
    TO_OPEN = auto()


@dataclass(slots=True)
class Switch:
    """Between two bars. `close` or `open` is called each step, whichever is wanted."""

    chance: Random
    state: BreakerState = BreakerState.OPEN
    for_s: float = 0.0
    """In this state."""
    sync_s: float = 0.0
    """What this synchronising takes."""
    is_on_dead: bool = False
    """Whether it closes on a bar without voltage."""
    closed_on_dead_s: float | None = None
    """When it last did, since the hall began."""
    is_stuck: bool = False
    never_syncs: bool = False

    @property
    def is_made(self) -> bool:
        """Whether current can flow."""
        return self.state in MADE

    @property
    def is_at_rest(self) -> bool:
        return self.state in AT_REST

    def close(self, dt: float, now_s: float, here: bool, there: bool, may_on_dead: bool) -> Failed | None:
        """A step towards closed.

        Args:
            here: whether the one bar has voltage, ``there``: the other.
            may_on_dead: whether nobody else is about to close on the dead one.
        """
        self.for_s += dt
        state = self.state
        if state is BreakerState.OPEN:
            if here and there:
                self.sync_s = self.chance.uniform(*SYNC_S)
                self._to(BreakerState.SYNCHRONISING)
            elif (here or there) and may_on_dead:
                self.is_on_dead = True
                self._to(BreakerState.CLOSE_DELAY)
        elif state is BreakerState.SYNCHRONISING:
            if not (here and there):
                self._to(BreakerState.OPEN)
            elif self.for_s >= self.sync_s and not self.never_syncs:
                self.is_on_dead = False
                self._to(BreakerState.CLOSE_DELAY)
        elif state in (BreakerState.CLOSE_DELAY, BreakerState.WAIT_CLOSE):
            return self._closing(now_s, here, there)
        elif state is BreakerState.UNLOADING:
            self._to(BreakerState.CLOSED)
        elif state is not BreakerState.CLOSED:
            return self._opening()
        return None

    def open(self, dt: float, is_unloaded: bool) -> Failed | None:
        """A step towards open; it waits until the load is gone, but not for ever."""
        self.for_s += dt
        if self.state is BreakerState.CLOSED:
            self._to(BreakerState.UNLOADING)
        elif self.state is BreakerState.UNLOADING:
            if is_unloaded or self.for_s >= UNLOAD_S:
                self._to(BreakerState.OPEN_DELAY)
        elif self.is_made:
            return self._opening()
        elif self.state is not BreakerState.OPEN:
            self._to(BreakerState.OPEN)
        return None

    def trip(self) -> Failed | None:
        """Open now, whatever flows."""
        if self.is_made and self.is_stuck:
            self._to(BreakerState.CLOSED)
            return Failed.TO_OPEN
        self._to(BreakerState.OPEN)
        return None

    def _closing(self, now_s: float, here: bool, there: bool) -> Failed | None:
        """The bars may have changed since it began: then it begins anew."""
        if self.is_on_dead is (here and there) or not (here or there):
            self._to(BreakerState.OPEN)
        elif self.state is BreakerState.CLOSE_DELAY:
            if self.for_s >= DELAY_S:
                self._to(BreakerState.WAIT_CLOSE)
        elif self.is_stuck:
            if self.for_s >= STUCK_S:
                self._to(BreakerState.OPEN)
                return Failed.TO_CLOSE
        elif self.for_s >= TRAVEL_S:
            self.closed_on_dead_s = now_s if self.is_on_dead else self.closed_on_dead_s
            self._to(BreakerState.CLOSED)
        return None

    def _opening(self) -> Failed | None:
        if self.state is BreakerState.OPEN_DELAY:
            if self.for_s >= DELAY_S:
                self._to(BreakerState.WAIT_OPEN)
        elif self.is_stuck:
            if self.for_s >= STUCK_S:
                self._to(BreakerState.CLOSED)
                return Failed.TO_OPEN
        elif self.for_s >= TRAVEL_S:
            self._to(BreakerState.OPEN)
        return None

    def _to(self, state: BreakerState) -> None:
        self.state, self.for_s = state, 0.0
