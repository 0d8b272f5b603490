"""People who log in. They are entered on the machine (`ems user`); here their password is checked."""

from __future__ import annotations

from typing import Any

from ems_pipeline.api.asked import in_hand
from ems_pipeline.api.database import Database
from ems_pipeline.api.limits import Budgets
from ems_pipeline.api.passwords import Passwords
from ems_pipeline.api.problems import Problem
from ems_pipeline.api.rights import Caller

LISTED = """
    SELECT name, role, sites, created_at, last_login_at FROM ems.person
    WHERE %s::text[] IS NULL OR (sites IS NOT NULL AND sites <@ %s::text[]) ORDER BY name"""
"""Who may reach beyond somebody's own sites does not exist for him."""


class People:
    """Of one installation."""

    def __init__(self, database: Database, budgets: Budgets) -> None:
        self._database, self._budgets = database, budgets
        self._passwords = Passwords()

    async def demand(self, name: str, password: str) -> None:
        """Check a password; an unknown name takes as long and is told the same.

        Raises:
            Problem: 401, one of both is wrong; 429, tried too often.
        """
        self._budgets.logins_from.take(in_hand().address)
        self._budgets.logins_of_name.take(name)
        async with self._database.own() as connection:
            found = await connection.execute("SELECT password_hash FROM ems.person WHERE name = %s", [name])
            row = await found.fetchone()
        if not await self._passwords.fits(None if row is None else row["password_hash"], password):
            raise Problem(
                401, "login_failed", "Not let in", "name or password is wrong",
                "try again; `ems user password NAME` on the machine gives a new one",
            )  # fmt: skip

    async def listed(self, owner: Caller) -> list[dict[str, Any]]:
        """Who may log in, by name; nothing of a password."""
        sites = owner.listed_sites
        async with self._database.own() as connection:
            return await (await connection.execute(LISTED, [sites, sites])).fetchall()
