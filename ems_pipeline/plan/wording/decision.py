"""What one device is told for one slot."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Decision:
    """Mode with limits, and why; ``state`` is the device's own (percent, Wh given, degrees) at the slot's end."""

    slot: int
    key: str
    kind: str
    power_w: float
    mode: str
    reason: str
    limits: dict[str, float] = field(default_factory=dict)
    state: float | None = None
