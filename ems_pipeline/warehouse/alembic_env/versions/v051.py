"""Applies sql/migrations/V051__regret_day.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "051"
down_revision = "050"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V051__regret_day.sql")
