"""The steps of a control run at which something may be killed, and how to be there when one is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.driver.mapped_driver import MappedDriver
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.warehouse import setpoints

Where = tuple[Any, str, int, bool]
STEPS: dict[str, Where] = {
    "before the intent": (setpoints, "intend", 1, False),
    "intent written, not committed": (setpoints, "intend", 1, True),
    "intent committed, wire untouched": (MappedDriver, "write", 1, False),
    "half of the blocks on the wire": (Connection, "write", 4, False),
    "one device written": (MappedDriver, "write", 1, True),
    "written, not read back": (MappedDriver, "read_back", 1, False),
    "all echoed, nothing concluded": (SiteSession, "_conclude", 1, False),
    "conclusion written, not committed": (setpoints, "take", 2, True),
}
"""Module or class, function, at which of its calls, whether after it."""


def at(step: str, act: Callable[[], None]) -> tuple[Any, str, Callable[..., Any]]:
    """Owner, name and a replacement of the function there that acts once, when the step is reached."""
    owner, name, due, after = STEPS[step]
    original, calls = getattr(owner, name), 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != due:
            return original(*args, **kwargs)
        if not after:
            act()
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        if hasattr(result, "__await__"):
            return awaited(result)
        act()
        return result

    async def awaited(result: Any) -> Any:
        value = await result
        act()
        return value

    return owner, name, counted
