"""Applies sql/migrations/V032__plan_made_with.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "032"
down_revision = "031"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V032__plan_made_with.sql")
