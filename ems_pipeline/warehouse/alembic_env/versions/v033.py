"""Applies sql/migrations/V033__asset_goal.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "033"
down_revision = "032"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V033__asset_goal.sql")
