"""Commands to generating sets: who asked for what, where each sequence stands, its steps, locks, what is remembered."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.gensets.sequence.order import BY_DISPATCH, Kind, Order
from ems_pipeline.plain_text import paragraph, plain
from ems_pipeline.sentence.gensets import CODE_UNSAID
from ems_pipeline.warehouse.engine import Warehouse
from ems_pipeline.warehouse.frames import query

CHANNEL = "ems_genset"
"""Where a site is named, once it is committed, that has a command or a lock that was not there."""
LONGEST_REASON = 200
REFUSED = "22023"
"""invalid_parameter_value: how our functions refuse what is asked of them."""
UNDER_WAY = ("confirmed", "running", "backing-out")
Controlled = tuple[str, str]
"""A site and the device in it."""


@dataclass(frozen=True)
class Command:
    """A command that is under way. ``progress``: as it was kept; None: not begun."""

    number: int
    site: str
    device: str
    order: Order
    state: str
    progress: dict[str, Any] | None
    cancelled_by: str


class Filed(NamedTuple):
    """What a person is answered who files a command."""

    number: int
    code: str
    confirm_by_at: datetime


@dataclass(frozen=True, kw_only=True)
class Change:
    """A look's outcome for one command, to be journalled. ``step`` empty: its state alone changes."""

    number: int
    state: str
    reason: str = ""
    progress: Mapping[str, Any] | None = None
    step: str = ""
    action: str = ""
    is_shadow: bool = False
    seen: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_end(self) -> bool:
        """Whether nothing follows."""
        return self.state not in UNDER_WAY


class CommandRefused(EmsError, ValueError):
    """What the database says against a command, with the remedy."""

    usual = "see `ems gensets commands`"


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != REFUSED:
            raise
        raise CommandRefused(str(error.orig).splitlines()[0], is_told=True) from None


def file(
    connection: Connection, by: str, site: str, device: str, kind: str, reason: str, power_w: float | None = None,
    until_at: datetime | None = None,
) -> Filed:  # fmt: skip
    """File a command for a person. CommandRefused: it is not to be done, or another person's stands in its way."""
    asked = {"by": by, "site": site, "device": device, "kind": kind, "reason": reason, "power": power_w,
             "until": until_at}  # fmt: skip
    with _refusals():
        row = connection.execute(
            sa.text("SELECT * FROM ems.fn_genset_command_file(:by, :site, :device, :kind, :reason, :power, :until)"),
            asked,
        ).one()
    return Filed(*row)


def confirm(connection: Connection, by: str, number: int, code: str) -> None:
    """Confirm it with its code. CommandRefused: it is another's, lapsed, or not this one."""
    asked = {"by": by, "number": number, "code": code}
    with _refusals():
        connection.execute(sa.text("SELECT ems.fn_genset_command_take(:by, :number, :code)"), asked)


def cancel(connection: Connection, by: str, number: int) -> None:
    """Take it back. CommandRefused: it is not under way."""
    with _refusals():
        connection.execute(sa.text("SELECT ems.fn_genset_command_end(:by, :number)"), {"by": by, "number": number})


def file_dispatch(
    connection: Connection, site: str, device: str, kind: Kind, power_w: float | None, until_at: datetime | None,
    reason: str, at: datetime,
) -> int:  # fmt: skip
    """File a command of a plan, confirmed by itself."""
    return int(
        connection.execute(
            sa.text("""INSERT INTO ems.genset_command (site_key, device_key, kind, power_w, until_at, reason, asked_by,
                                                       asked_at, confirmed_at, state)
                       VALUES (:site, :device, :kind, :power, :until, :reason, :by, :at, :at, 'confirmed')
                       RETURNING genset_command_id"""),
            {"site": site, "device": device, "kind": kind, "power": power_w, "until": until_at,
             "reason": plain(reason, LONGEST_REASON), "by": BY_DISPATCH, "at": at},
        ).scalar_one()
    )  # fmt: skip


def renew(connection: Connection, number: int, power_w: float, until_at: datetime) -> bool:
    """Move a run's power and end; False: it has ended meanwhile."""
    found = connection.execute(
        sa.text("""UPDATE ems.genset_command SET power_w = :power, until_at = :until
                   WHERE genset_command_id = :number AND state IN ('confirmed', 'running')"""),
        {"number": number, "power": power_w, "until": until_at},
    )
    return bool(found.rowcount)


def lapse(connection: Connection, at: datetime) -> None:
    """End what was asked for and not confirmed in time."""
    connection.execute(
        sa.text("""UPDATE ems.genset_command SET state = 'lapsed', ended_at = :at,
                                                 state_reason = :why
                   WHERE ended_at IS NULL AND state = 'asked' AND confirm_by_at <= :at"""),
        {"at": at, "why": CODE_UNSAID.text},
    )


def under_way(connection: Connection, device: Controlled | None = None) -> list[Command]:
    """Commands that are confirmed and have not ended, of a controller or of all, in the order they were confirmed."""
    site_key, device_key = device or (None, None)
    found = connection.execute(
        sa.text("""SELECT c.genset_command_id, c.site_key, c.device_key, c.kind, c.power_w, c.until_at, c.reason,
                          c.asked_by, c.state, c.progress, coalesce(c.cancelled_by, '')
                   FROM ems.genset_command c
                   WHERE c.ended_at IS NULL AND c.state = ANY(:states)
                     AND (CAST(:site AS text) IS NULL OR (c.site_key, c.device_key) = (:site, :device))
                   ORDER BY c.confirmed_at, c.genset_command_id"""),
        {"site": site_key, "device": device_key, "states": list(UNDER_WAY)},
    )
    return [
        Command(
            number, site, device,
            Order(kind=Kind(kind), asked_by=by, reason=reason, power_w=power_w, until_at=until_at),
            state, progress, cancelled,
        )
        for number, site, device, kind, power_w, until_at, reason, by, state, progress, cancelled in found
    ]  # fmt: skip


def journal(connection: Connection, changes: Iterable[Change], at: datetime) -> None:
    """Keep where sequences stand, and their steps."""
    rows = [
        {"number": c.number, "state": c.state, "reason": paragraph(c.reason), "step": c.step, "action": c.action,
         "progress": None if c.progress is None else json.dumps(dict(c.progress)), "is_shadow": c.is_shadow,
         "seen": json.dumps(dict(c.seen)), "ended_at": at if c.is_end else None, "at": at}
        for c in changes
    ]  # fmt: skip
    if not rows:
        return
    connection.execute(
        sa.text("""UPDATE ems.genset_command SET state = :state, state_reason = :reason, ended_at = :ended_at,
                       progress = coalesce(CAST(:progress AS jsonb), progress), begun_at = coalesce(begun_at, :at),
                       is_shadow = :is_shadow
                   WHERE genset_command_id = :number AND ended_at IS NULL"""),
        rows,
    )
    if steps := [row for row in rows if row["step"]]:
        connection.execute(
            sa.text("""INSERT INTO ems.genset_command_step (genset_command_id, at, step, action, reason, seen)
                       VALUES (:number, :at, :step, :action, :reason, CAST(:seen AS jsonb))"""),
            steps,
        )


def note(connection: Connection, number: int, step: str, action: str, reason: str, at: datetime) -> None:
    """Note beside the steps what came of an action; the command's state stays as it is."""
    connection.execute(
        sa.text("""INSERT INTO ems.genset_command_step (genset_command_id, at, step, action, reason)
                   VALUES (:number, :at, :step, :action, :reason)"""),
        {"number": number, "at": at, "step": step, "action": action, "reason": paragraph(reason)},
    )


def memories(connection: Connection) -> dict[Controlled, dict[str, Any]]:
    """What was remembered of all sets."""
    found = connection.execute(sa.text("SELECT site_key, device_key, said FROM ems.genset_memory"))
    return {(site, device): said for site, device, said in found}


def remember(connection: Connection, said: Mapping[Controlled, Mapping[str, Any]], at: datetime) -> None:
    """Keep what is remembered of sets that have changed."""
    rows = [{"site": s, "device": d, "said": json.dumps(dict(one)), "at": at} for (s, d), one in said.items()]
    if rows:
        connection.execute(
            sa.text("""INSERT INTO ems.genset_memory (site_key, device_key, said, noted_at)
                       VALUES (:site, :device, CAST(:said AS jsonb), :at)
                       ON CONFLICT (site_key, device_key)
                       DO UPDATE SET said = excluded.said, noted_at = excluded.noted_at"""),
            rows,
        )


def listing(connection: Connection, site_keys: Collection[str] | None, last: int) -> pl.DataFrame:
    """The last commands, newest first; None: of all sites. Columns: those of the table that people read."""
    return query(
        connection,
        """SELECT genset_command_id, site_key, device_key, kind, power_w, until_at, reason, asked_by, asked_at, state,
                  state_reason, progress ->> 'step' AS step, ended_at
           FROM ems.genset_command WHERE CAST(:sites AS text[]) IS NULL OR site_key = ANY(:sites)
           ORDER BY genset_command_id DESC LIMIT :last""",
        sites=None if site_keys is None else list(site_keys),
        last=last,
    )


def steps(connection: Connection, number: int) -> pl.DataFrame:
    """The steps of a command in order: at, step, action, reason."""
    return query(
        connection,
        """SELECT at, step, action, reason FROM ems.genset_command_step WHERE genset_command_id = :number
           ORDER BY genset_command_step_id""",
        number=number,
    )


def named(devices: Collection[Controlled]) -> dict[str, Any]:
    """Controllers as the parameters of a statement that joins them by ``unnest``."""
    return {"sites": [site for site, _ in devices], "devices": [device for _, device in devices]}


class Ear:
    """Hears, by a connection of its own, that a command was filed or a lock placed."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._connection = warehouse.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._connection.exec_driver_sql(f"LISTEN {CHANNEL}")

    def hears(self, patience_s: float) -> bool:
        """Whether something was said within the patience; blocks."""
        driver = self._connection.connection.driver_connection
        return any(True for _ in driver.notifies(timeout=patience_s, stop_after=1)) if driver is not None else False

    def close(self) -> None:
        """Stop listening; the connection is not used for anything else."""
        self._connection.invalidate()
        self._connection.close()
