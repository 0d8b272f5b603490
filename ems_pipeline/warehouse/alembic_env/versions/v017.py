"""Applies sql/migrations/V017__partitions_beside_readers.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "017"
down_revision = "016"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V017__partitions_beside_readers.sql")
