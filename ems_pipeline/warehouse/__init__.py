"""PostgreSQL, and nothing else, behind polars frames: the engine, the embedded server, migrations, writes and reads.

`engine` finds or starts the database, `migrate` brings the schema up, `frames` moves frames in and out by COPY, `known`
holds the bitemporal rules; the remaining modules are one subject each. All SQL of the program is here or in `sql/`.
Add a read here when an asset needs a table in a shape of its own.
"""

from ems_pipeline.warehouse.engine import DatabaseUnavailable, Warehouse, open_warehouse

__all__ = ["DatabaseUnavailable", "Warehouse", "open_warehouse"]
