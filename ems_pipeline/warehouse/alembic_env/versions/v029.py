"""Applies sql/migrations/V029__override_reason.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "029"
down_revision = "028"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V029__override_reason.sql")
