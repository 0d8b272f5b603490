"""Applies sql/migrations/V030__notices.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "030"
down_revision = "029"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V030__notices.sql")
