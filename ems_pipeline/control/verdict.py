"""What a measurement says about a command: obeyed, disobeyed, or that it cannot be told yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

MARGIN_W = 200.0
MARGIN = 1.1


class Verdict(Enum):
    """What the measurement says about a command."""

    OBEYED = "obeyed"
    DISOBEYED = "disobeyed"
    OPEN = "cannot be told"
    """Nothing measurable was asked, or it takes its time (a compressor finishes its run)."""


@dataclass(frozen=True)
class Effect:
    """A verdict, why, and the values it rests on."""

    verdict: Verdict
    text: str = ""
    measured: dict[str, float] = field(default_factory=dict)


def verdict(is_obeyed: bool) -> Verdict:
    """Obeyed or not."""
    return Verdict.OBEYED if is_obeyed else Verdict.DISOBEYED
