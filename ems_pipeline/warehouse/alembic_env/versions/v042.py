"""Applies sql/migrations/V042__genset_command_open.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "042"
down_revision = "041"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V042__genset_command_open.sql")
