"""Applies sql/migrations/V047__baseline_day.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "047"
down_revision = "045"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V047__baseline_day.sql")
