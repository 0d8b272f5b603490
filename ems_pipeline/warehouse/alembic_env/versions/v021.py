"""Applies sql/migrations/V021__supervision.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "021"
down_revision = "020"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V021__supervision.sql")
