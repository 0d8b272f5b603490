"""Applies sql/migrations/V020__zone_offsets.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "020"
down_revision = "019"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V020__zone_offsets.sql")
