"""Applies sql/migrations/V026__notify.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "026"
down_revision = "025"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V026__notify.sql")
