"""Applies sql/migrations/V036__genset_live.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "036"
down_revision = "035"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V036__genset_live.sql")
