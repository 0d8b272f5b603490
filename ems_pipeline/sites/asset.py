"""A planned part of a site, and what can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ems_pipeline.sites.modes import PvMode
from ems_pipeline.sites.record import Key, Record
from ems_pipeline.sites.wish import Limits, Mode, Unfit, Wish, in_words

LARGEST_LIMIT = 1e9
"""Of any limit of a wish; ``fn_override_add`` has the same."""


class Asset(Record):
    """A planned part of the site; `device` names the hardware that measures and obeys for it."""

    modes: ClassVar[type[Mode] | None] = None
    """What it can be asked; None: nothing, no device obeys for its kind."""
    limit_names: ClassVar[frozenset[str]] = frozenset()
    """Limits that go with a mode; units are part of the names."""

    key: Key
    device: Key | None = None

    def wish(self, mode: str, limits: Mapping[str, Any]) -> Wish | Unfit:
        """What was said of it somewhere else (a row, a file) as a wish; `Unfit` where it cannot be asked this.

        The fault goes on from who asks: "the override ...", "schedule 'away' ...".
        """
        fault = self._cannot(mode, limits)
        if fault or self.modes is None:
            return Unfit(in_words(mode, limits), fault)
        return Wish(self.modes(mode), Limits(**limits))

    def _cannot(self, mode: str, limits: Mapping[str, Any]) -> str:
        """Why it cannot be asked this, with what there is; empty when it can."""
        if self.modes is None:
            return f"names {self.key!r}, and no device obeys for a {type(self).__name__}"
        if self.device is None:
            return f"names {self.key!r}, which has no device that could obey; name one in the site file"
        if mode not in set(self.modes):
            return f"asks {self.key!r} for mode {mode!r}, which is none of {', '.join(self.modes)}"
        if not isinstance(limits, Mapping):
            return f"asks {self.key!r} for limits {limits!r}; name each with a number"
        if unknown := sorted(set(limits) - self.limit_names):
            return f"asks {self.key!r} for limits {unknown}; it has {sorted(self.limit_names)}"
        for name, value in limits.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST_LIMIT:
                return f"asks {self.key!r} for {name} = {value}; a limit is a number from 0 on, the unit is in its name"
        if mode == PvMode.CURTAIL and not {"pv_limit_w", "export_limit_w"} & set(limits):
            return f"asks {self.key!r} to curtail; to what? name the limit pv_limit_w or export_limit_w"
        return ""
