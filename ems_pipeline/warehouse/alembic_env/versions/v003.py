"""Applies sql/migrations/V003__forecast.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "003"
down_revision = "002"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V003__forecast.sql")
