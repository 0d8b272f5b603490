"""What is in the database: rows and bytes per table, for people and reports."""

from __future__ import annotations

from ems_pipeline.warehouse.engine import Warehouse
from ems_pipeline.warehouse.frames import query


def tables(warehouse: Warehouse) -> list[tuple[str, int, int]]:
    """Name, exact row count and bytes with indexes of every table of schema `ems`; partitions count as their parent."""
    with warehouse.begin() as connection:
        names = query(
            connection,
            """SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'ems' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname""",
        )["name"].to_list()
        found = []
        for name in names:
            counted = query(
                connection,
                f"""SELECT (SELECT count(*) FROM ems."{name}") AS rows,
                           (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint
                            FROM pg_partition_tree('ems."{name}"')) AS size""",
            )
            found.append((name, int(counted["rows"][0]), int(counted["size"][0])))
    return found
