"""What this process has answered, and how fast: counts since its start, times of the last requests."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

LAST = 2000
"""Requests whose times are kept."""


@dataclass
class Figures:
    """Of one process."""

    by_status: Counter[int] = field(default_factory=Counter)
    times_ms: deque[float] = field(default_factory=lambda: deque(maxlen=LAST))
    ws_clients: int = 0

    def note(self, status: int, took_ms: float) -> None:
        self.by_status[status] += 1
        self.times_ms.append(took_ms)

    def told(self) -> dict[str, object]:
        """What `/stats` and `/ws/metrics` say of it."""
        return {
            "requests_total": self.by_status.total(),
            "by_status": {str(status): count for status, count in sorted(self.by_status.items())},
            "p50_ms": self.share_ms(0.5),
            "p95_ms": self.share_ms(0.95),
            "ws_clients": self.ws_clients,
        }

    def share_ms(self, share: float) -> float | None:
        """Within how many milliseconds this share of the last requests was answered; None: there was none."""
        if not self.times_ms:
            return None
        ordered = sorted(self.times_ms)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
