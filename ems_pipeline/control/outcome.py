"""One line about one device: what the controller asked, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """``state`` is a `lifecycle.State`, ``shadow`` (journalled only), ``stands`` (served already) or ``skipped``."""

    site: str
    device: str
    state: str
    text: str

    def __str__(self) -> str:
        return f"{self.site}/{self.device}: {self.state}: {self.text}" if self.device else f"{self.site}: {self.text}"
