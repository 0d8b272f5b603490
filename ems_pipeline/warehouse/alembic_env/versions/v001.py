"""Applies sql/migrations/V001__site.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "001"
down_revision = None


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V001__site.sql")
