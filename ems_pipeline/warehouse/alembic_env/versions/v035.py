"""Applies sql/migrations/V035__push.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "035"
down_revision = "034"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V035__push.sql")
