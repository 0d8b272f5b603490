"""Everything a control run waits for, one after the other, with something to be done at one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ems_pipeline.control.session import SiteSession
from ems_pipeline.devices.modbus.wire import Connection
from ems_pipeline.devices.web.gateway import WebGateway
from ems_pipeline.warehouse import Warehouse
from ems_pipeline.warehouse.gateway_lock import GatewayLocks


class Barriers:
    """Counts what is waited for; at the ``due``-th it acts.

    ``by``: the task that was about to wait then, None where a thread was. What others had been allowed is on its way.
    """

    def __init__(self, due: int, act: Callable[[], None]) -> None:
        self.reached, self.due, self.act = 0, due, act
        self.is_over = False
        self.by: asyncio.Task[Any] | None = None
        self._acting = False

    def pass_one(self) -> None:
        if self._acting:
            return
        self.reached += 1
        if self.reached == self.due:
            self._acting = True
            self.by = task_at_work()
            self.act()
            self._acting = False
            self.is_over = True


def task_at_work() -> asyncio.Task[Any] | None:
    """The task that runs now, if this thread has a loop."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


@contextmanager
def placed(patch: pytest.MonkeyPatch, barriers: Barriers) -> Iterator[None]:
    """Before and after every transaction, request, lock and step of a session."""

    def both(owner: type, name: str) -> None:
        original = getattr(owner, name)

        async def around(self: Any, *args: Any, **kwargs: Any) -> Any:
            barriers.pass_one()
            found = await original(self, *args, **kwargs)
            barriers.pass_one()
            return found

        patch.setattr(owner, name, around)

    begun = Warehouse.begin

    @contextmanager
    def begin(self: Warehouse, patience_s: float | None = None) -> Iterator[Any]:
        barriers.pass_one()
        with begun(self, patience_s) as connection:
            yield connection
        barriers.pass_one()

    steer = GatewayLocks.steer

    def steered(self: GatewayLocks, addresses: Any) -> Any:
        barriers.pass_one()
        return steer(self, addresses)

    with patch.context() as patch:
        patch.setattr(Warehouse, "begin", begin)
        patch.setattr(GatewayLocks, "steer", steered)
        for owner, name in (
            (Connection, "_exchange"),
            (Connection, "_opened"),
            (Connection, "_silence"),
            (WebGateway, "get"),
            (SiteSession, "_intend"),
            (SiteSession, "_write"),
            (SiteSession, "_conclude"),
            (SiteSession, "know"),
        ):
            both(owner, name)
        yield
