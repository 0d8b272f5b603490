"""How often somebody may ask: a bucket of tokens for each of them, which fills with time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ems_pipeline.api.problems import Problem

MOST = 10_000
"""Buckets kept per budget; beyond, those that are full again are forgotten, then the oldest."""


@dataclass
class Budget:
    """So many at once, refilled at a rate."""

    name: str
    at_once: float
    per_s: float
    now_s: Callable[[], float] = time.monotonic
    refused: int = 0
    _left: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)

    def wait_s(self, key: str) -> float:
        """Take one; 0, or how long until there is one again (then none was taken)."""
        now = self.now_s()
        left, since = self._left.get(key, (self.at_once, now))
        left = min(self.at_once, left + (now - since) * self.per_s)
        if left < 1.0:
            self.refused += 1
            return (1.0 - left) / self.per_s
        if key not in self._left and len(self._left) >= MOST:
            self._forget(now)
        self._left[key] = (left - 1.0, now)
        return 0.0

    def take(self, key: str) -> None:
        """Take one.

        Raises:
            Problem: 429 with ``Retry-After``.
        """
        if (wait := self.wait_s(key)) > 0:
            seconds = math.ceil(wait)
            raise Problem(
                429, "rate_limited", "Too many requests",
                f"more than {self.at_once:g} {self.name} at once, or {self.per_s * 60:g} a minute in the long run",
                f"ask again in {seconds} s, and more slowly", headers={"Retry-After": str(seconds)},
            )  # fmt: skip

    def _forget(self, now: float) -> None:
        full = [key for key, (left, since) in self._left.items() if left + (now - since) * self.per_s >= self.at_once]
        for key in full or list(self._left)[: MOST // 10]:
            del self._left[key]


@dataclass
class Budgets:
    """Of one web process. Keys are callers, or addresses where nobody is known."""

    now_s: Callable[[], float] = time.monotonic
    reads: Budget = field(init=False)
    writes: Budget = field(init=False)
    logins_of_name: Budget = field(init=False)
    logins_from: Budget = field(init=False)
    strangers: Budget = field(init=False)
    """Cookies and tokens that are none of ours, per address."""
    kept_refusals: Budget = field(init=False)
    """Rows in the log of writes for requests of nobody, per address: a flood must not fill the disk."""

    def __post_init__(self) -> None:
        self.reads = Budget("reads", 40, 20, self.now_s)
        self.writes = Budget("writes", 30, 0.5, self.now_s)
        self.logins_of_name = Budget("logins of one name", 5, 5 / 60, self.now_s)
        self.logins_from = Budget("logins from one address", 30, 0.5, self.now_s)
        self.strangers = Budget("requests with a bad cookie or token", 30, 0.5, self.now_s)
        self.kept_refusals = Budget("refused writes", 30, 0.5, self.now_s)

    def refused(self) -> int:
        """Requests that were asked too often, since the start."""
        limits = (self.reads, self.writes, self.logins_of_name, self.logins_from, self.strangers)
        return sum(budget.refused for budget in limits)
