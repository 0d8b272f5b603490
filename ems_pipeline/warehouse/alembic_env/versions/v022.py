"""Applies sql/migrations/V022__plan_recorded_when.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "022"
down_revision = "021"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V022__plan_recorded_when.sql")
