"""What is in the database: rows and bytes per table, for people and reports."""

from __future__ import annotations

import polars as pl
from sqlalchemy.engine import Connection

from ems_pipeline.warehouse.frames import query


def table_sizes(connection: Connection) -> pl.DataFrame:
    """Every table of schema `ems`: name, rows (counted), bytes with indexes; partitions count as their parent."""
    names = query(
        connection,
        """SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'ems' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname""",
    )["name"]
    counts = " UNION ALL ".join(
        f"""SELECT '{name}' AS name, (SELECT count(*) FROM ems."{name}") AS rows,
                   (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
                    FROM pg_partition_tree('ems."{name}"')) AS bytes"""
        for name in names
    )
    return query(connection, f"{counts} ORDER BY name")
