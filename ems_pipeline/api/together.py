"""Rows asked for one by one and read together: a crowd of strangers to this process is one question, not hundreds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class Together(Generic[Key, Row]):
    """While one question is under way, those that come are gathered for the next."""

    def __init__(self, read: Callable[[list[Key]], Awaitable[dict[Key, Row]]]) -> None:
        """``read``: rows of many keys; a key that is not there is left out."""
        self._read = read
        self._turn = asyncio.Lock()
        self._gathered: tuple[set[Key], asyncio.Task[dict[Key, Row]]] | None = None

    async def get(self, key: Key) -> Row | None:
        """The row of a key, read no earlier than now; None: there is none. Errors of ``read``, to all of them."""
        if self._gathered is None:
            keys: set[Key] = set()
            self._gathered = keys, asyncio.create_task(self._ask(keys))
        keys, task = self._gathered
        keys.add(key)
        return (await asyncio.shield(task)).get(key)  # one that goes away takes nobody else's answer along

    async def _ask(self, keys: set[Key]) -> dict[Key, Row]:
        async with self._turn:
            self._gathered = None
            return await self._read(list(keys))
