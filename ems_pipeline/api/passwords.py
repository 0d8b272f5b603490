"""Passwords as argon2id hashes; two at once at most, because each takes a core and 19 MiB for a moment."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher, Type
from argon2.exceptions import Argon2Error, InvalidHashError

from ems_pipeline.api.problems import Problem
from ems_pipeline.errors import EmsError

SHORTEST, LONGEST = 10, 200
"""Characters."""
AT_ONCE, WAITING = 2, 16
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


class WeakPassword(EmsError, ValueError):
    """A password that is too short or too long; the text says what is taken."""


def hashed(password: str) -> str:
    """The hash to store, with its salt and parameters.

    Raises:
        WeakPassword: see there.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPassword(
            f"the password has {len(password)} characters", f"take {SHORTEST} to {LONGEST}, such as four words"
        )
    return _hasher.hash(password)


def _fits(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (Argon2Error, InvalidHashError):
        return False


class Passwords:
    """Checks passwords beside the event loop."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys = hashed("x" * SHORTEST)

    async def fits(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one of a hash; None takes as long and is never right.

        Raises:
            Problem: 429, too many are waiting for their turn.
        """
        if len(password) > LONGEST:
            return False
        if self._waiting >= WAITING:
            raise Problem(
                429, "rate_limited", "Too many requests", f"{self._waiting} passwords wait to be checked",
                "ask again in 2 s", headers={"Retry-After": "2"},
            )  # fmt: skip
        self._waiting += 1
        try:
            async with self._turns:
                is_right = await asyncio.to_thread(_fits, stored or self._nobodys, password)
        finally:
            self._waiting -= 1
        return is_right and stored is not None
