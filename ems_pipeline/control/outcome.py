"""One line about one device: what the controller asked, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ems_pipeline.warehouse.intents import State


class Aside(StrEnum):
    """What became of it where no set-point of a device has a step to tell."""

    SHADOW = "shadow"
    """Journalled only."""
    STANDS = "stands"
    """Served already."""
    SKIPPED = "skipped"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Outcome:
    """Of a device, or of a whole site where none is named."""

    site: str
    device: str
    state: State | Aside
    text: str

    def __str__(self) -> str:
        return f"{self.site}/{self.device}: {self.state}: {self.text}" if self.device else f"{self.site}: {self.text}"
