"""Applies sql/migrations/V044__study.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "044"
down_revision = "042"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V044__study.sql")
