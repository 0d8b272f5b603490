"""Applies sql/migrations/V015__stored_value.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "015"
down_revision = "014"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V015__stored_value.sql")
