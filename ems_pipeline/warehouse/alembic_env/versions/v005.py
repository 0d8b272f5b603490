"""Applies sql/migrations/V005__plan.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "005"
down_revision = "004"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V005__plan.sql")
