"""What never changes under its key is made once: the newest uses of it are kept, the oldest make room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Kept(Generic[Found]):
    """Findings by key, together at most ``most`` of what `put` calls their size.

    The key has to hold everything that the finding depends on; whether somebody may see it is asked before.
    """

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._found: OrderedDict[Hashable, tuple[Found, int]] = OrderedDict()

    def get(self, key: Hashable) -> Found | None:
        """What is kept; None: it is to be made."""
        if (kept := self._found.get(key)) is None:
            return None
        self._found.move_to_end(key)
        return kept[0]

    def put(self, key: Hashable, found: Found, size: int = 1) -> Found:
        """Keep it, and hand it on."""
        _, before = self._found.pop(key, (None, 0))
        self._found[key] = found, size
        self._size += size - before
        while self._size > self._most:
            _, (_, gone) = self._found.popitem(last=False)
            self._size -= gone
        return found

    def clear(self) -> None:
        """Forget all."""
        self._found.clear()
        self._size = 0

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._found)
