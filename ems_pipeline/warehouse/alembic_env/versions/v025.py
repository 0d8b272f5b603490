"""Applies sql/migrations/V025__web.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "025"
down_revision = "024"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V025__web.sql")
