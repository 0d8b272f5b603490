"""Applies sql/migrations/V024__forecast_recorded_when.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "024"
down_revision = "023"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V024__forecast_recorded_when.sql")
