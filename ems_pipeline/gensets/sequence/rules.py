"""What a site allows its set: who owns start, its power, limits of time and number. Defaults: genset-operation 3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from ems_pipeline.errors import EmsError
from ems_pipeline.sites import Site
from ems_pipeline.sites.wiring import Device


class StartBy(StrEnum):
    """Who owns start. Never both: the other way is not offered at that site."""

    AUTO = "auto"
    """The set stands in AUTO and starts by a request of its master or of a dry contact; we write its power only."""
    MANUAL = "manual"
    """We take the set from AUTO to MANUAL, press start, and give AUTO back once it stands still again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits of one controller. Powers in W and % of rated; a switchboard has no engine of its own."""

    start_by: StartBy
    rated_power_w: float
    is_switchboard: bool = False
    default_power_pct: float = 80.0
    """What the target is when nobody wants anything."""
    min_power_pct: float = 30.0
    """Less is for starting and stopping only (low load, reverse power)."""
    jacket_min_c: float | None = 35.0
    """Colder is no start; None: the site has no such sensor and says so."""
    starts_per_hour: int = 2
    starts_per_day: int = 6
    min_run: timedelta = timedelta(minutes=60)
    min_pause: timedelta = timedelta(minutes=15)
    oldest: timedelta = timedelta(seconds=10)
    """Older data starts, stops and tells nothing."""
    resets_per_hour: int = 3
    between_resets: timedelta = timedelta(minutes=10)
    request_wait: timedelta = timedelta(minutes=5)
    """How long a run waits for the master's start request where the set starts in AUTO."""
    come_up: timedelta = timedelta(minutes=4)
    """From the key to readiness: three attempts of 8 s with rests, safety run, idle, warm-up."""
    close: timedelta = timedelta(minutes=2)
    """To synchronise and close."""
    unload: timedelta = timedelta(seconds=90)
    cool: timedelta = timedelta(minutes=8)
    """Cooling for 180 to 300 s, and coming to rest."""
    stalled: timedelta = timedelta(seconds=15)
    """How long a key may take to show any effect."""
    verify: timedelta = timedelta(seconds=6)
    """How long a target may take to be told back; a switchboard's register is read every fifth poll."""
    longest_run: timedelta = timedelta(hours=24)

    def pct(self, power_w: float) -> float:
        """A power as % of rated."""
        return 100 * power_w / self.rated_power_w


SWITCHBOARDS = frozenset({"smartgen-hgm9560"})
"""Maps of controllers that have no engine of their own."""
MAPS = "smartgen-"
"""How the maps of all controllers begin."""


class WrongOptions(EmsError):
    """A controller's options in the site file say no rules."""

    usual = "correct the options of the device in the site file"


def rules_of(site: Site, device: Device) -> Rules:
    """What the site file allows a controller. WrongOptions: it cannot be read."""
    said, asset = device.options, next((one for one in site.gensets if one.device == device.key), None)
    known: dict[str, Any] = {}
    if asset is not None:
        known["min_run"] = timedelta(minutes=asset.min_run_minutes)
        known["min_pause"] = timedelta(minutes=asset.min_pause_minutes)
        if asset.max_starts_per_day is not None:
            known["starts_per_day"] = asset.max_starts_per_day
    rated = said.get("rated_power_w", None if asset is None else asset.max_power_w)
    if rated is None:
        raise WrongOptions(f"device {device.key} of {site.key} has no rated_power_w")
    start_by = said.get("start_by", StartBy.AUTO)
    if start_by not in set(StartBy):
        raise WrongOptions(f"device {device.key} of {site.key}: start_by {start_by!r} is none of {', '.join(StartBy)}")
    is_switchboard = device.map in SWITCHBOARDS
    if is_switchboard:
        known["verify"] = timedelta(seconds=25)
    try:
        return Rules(
            start_by=StartBy(start_by), rated_power_w=_number("rated_power_w", rated),
            is_switchboard=is_switchboard,
            **(known | _options(said)),
        )  # fmt: skip
    except ValueError as error:
        raise WrongOptions(f"device {device.key} of {site.key}: {error}") from None


def _options(said: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: _number(name, said[name]) for name in ("default_power_pct", "min_power_pct") if name in said
    }
    if "jacket_min_c" in said:
        off = said["jacket_min_c"] in ("off", False)
        found["jacket_min_c"] = None if off else _number("jacket_min_c", said["jacket_min_c"])
    for name in ("starts_per_hour", "starts_per_day"):
        if name in said:
            found[name] = int(_number(name, said[name]))
    for name in ("min_run", "min_pause"):
        if f"{name}_minutes" in said:
            found[name] = timedelta(minutes=_number(name, said[f"{name}_minutes"]))
    return found


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} {value!r} is no number from 0 on")
    return float(value)
