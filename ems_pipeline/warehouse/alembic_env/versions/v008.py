"""Applies sql/migrations/V008__partitions_for_all.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "008"
down_revision = "007"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V008__partitions_for_all.sql")
