"""From one server to another: the schema by migration, the rows by COPY, and proof that the same arrived.

The two need not be alike: partitions become hypertables and back, and neither has to know the other's version.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from ems_pipeline.errors import EmsError
from ems_pipeline.warehouse import migrate
from ems_pipeline.warehouse.contents import Contents, Progress, contents, differences, tables
from ems_pipeline.warehouse.engine import Warehouse


class TransferRefused(EmsError):
    """Nothing was copied; the text says why and what to do."""


def copy(source: Warehouse, target: Warehouse, progress: Progress) -> dict[str, Contents]:
    """Copy every row of ``source`` into the migrated, empty ``target``, in one transaction.

    The source is seen as of one instant and may be in use; what is written later stays behind. Copying again into a
    target that holds exactly the same does nothing.

    Returns:
        What both hold.

    Raises:
        TransferRefused: the source's schema is not the newest, the target holds something else, or something else than
            the source's rows arrived (then nothing is left of it).
    """
    if migrate.current(source) != migrate.head():
        raise TransferRefused(
            f"the source has schema {migrate.current(source)}, newest is {migrate.head()}:",
            "run `ems db migrate` first",
        )
    with source.snapshot() as reading, target.begin() as writing:
        before = contents(writing)
        there = contents(reading, progress)
        if not differences(there, before):
            return there
        if any(table.rows for table in before.values()):
            raise TransferRefused(
                f"the target is neither empty nor the same: {'; '.join(differences(there, before))}.",
                "Name an empty one",
            )
        for name in tables(reading):
            _make_room(reading, writing, name)
            _copy_rows(reading, writing, name)
            progress(name, there[name].rows)
        _copy_sequences(reading, writing)
        if wrong := differences(there, contents(writing, progress)):
            raise TransferRefused(
                f"not what was sent has arrived: {'; '.join(wrong)}; nothing of it was kept", "copy it again"
            )
    return there


def _make_room(reading: Connection, writing: Connection, name: str) -> None:
    """Partitions of the target for all rows of the source; a hypertable makes its chunks itself."""
    key = writing.exec_driver_sql(
        """SELECT a.attname FROM pg_partitioned_table p
           JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
           WHERE p.partrelid = %s::regclass""",
        (f'ems."{name}"',),
    ).scalar()
    if key is None:
        return
    first, last = reading.exec_driver_sql(f'SELECT min("{key}"), max("{key}") FROM ems."{name}"').one()
    if first is not None:
        writing.exec_driver_sql("SELECT ems.fn_ensure_partitions(%s, %s, %s)", (name, first, last))


def _copy_rows(reading: Connection, writing: Connection, name: str) -> None:
    columns = ", ".join(
        f'"{column}"'
        for column in reading.exec_driver_sql(
            """SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
               AND attgenerated = '' ORDER BY attnum""",
            (f'ems."{name}"',),
        ).scalars()
    )
    giving: Any = reading.connection.cursor()
    taking: Any = writing.connection.cursor()
    with (
        giving.copy(f'COPY (SELECT {columns} FROM ems."{name}") TO STDOUT (FORMAT binary)') as rows,
        taking.copy(f'COPY ems."{name}" ({columns}) FROM STDIN (FORMAT binary)') as sink,
    ):
        for block in rows:
            sink.write(block)


def _copy_sequences(reading: Connection, writing: Connection) -> None:
    """Numbers go on where they were: one that was given once must not come back."""
    sequences = reading.exec_driver_sql(
        """SELECT c.relname, a.attname, pg_get_serial_sequence(c.oid::regclass::text, a.attname)
           FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'ems'::regnamespace AND a.attidentity <> '' AND NOT a.attisdropped"""
    ).all()
    for table, column, sequence in sequences:
        last, is_called = reading.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()
        writing.exec_driver_sql(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)", (f'ems."{table}"', column, last, is_called)
        )
