"""Applies sql/migrations/V048__what_if.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "048"
down_revision = "046"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V048__what_if.sql")
