"""Applies sql/migrations/V028__executable_plan.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "028"
down_revision = "027"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V028__executable_plan.sql")
