"""Applies sql/migrations/V050__baseline_day.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "050"
down_revision = "049"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V050__baseline_day.sql")
