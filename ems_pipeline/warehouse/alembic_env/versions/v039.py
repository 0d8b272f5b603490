"""Applies sql/migrations/V039__maintenance.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "039"
down_revision = "035"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V039__maintenance.sql")
