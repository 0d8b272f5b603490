"""Applies sql/migrations/V014__touched_setpoints.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "014"
down_revision = "013"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V014__touched_setpoints.sql")
