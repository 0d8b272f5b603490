"""Questions to the database that come up at once are asked at once: 800 writes wait for one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """Answers a question by a query that begins after it was asked; those asked meanwhile share the next one."""

    def __init__(self, query: Callable[[list[K]], Awaitable[Callable[[K], V]]]) -> None:
        """``query`` answers a batch by a function from a question to its answer."""
        self._query = query
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._at_work: asyncio.Task[None] | None = None

    async def ask(self, question: K) -> V:
        """The answer; an error of the query is everybody's who asked."""
        future = self._waiting.setdefault(question, asyncio.get_running_loop().create_future())
        if self._at_work is None or self._at_work.done():
            self._at_work = asyncio.create_task(self._work())
        return await asyncio.shield(future)

    async def _work(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                answer = await self._query(list(asked))
            except Exception as error:
                for future in asked.values():
                    future.set_exception(error)
            else:
                for question, future in asked.items():
                    future.set_result(answer(question))
