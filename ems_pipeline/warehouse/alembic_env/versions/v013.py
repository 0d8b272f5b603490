"""Applies sql/migrations/V013__schedule.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "013"
down_revision = "012"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V013__schedule.sql")
