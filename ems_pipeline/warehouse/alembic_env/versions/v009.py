"""Applies sql/migrations/V009__partitions_where_they_are.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "009"
down_revision = "008"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V009__partitions_where_they_are.sql")
