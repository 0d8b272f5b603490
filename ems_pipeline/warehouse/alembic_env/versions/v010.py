"""Applies sql/migrations/V010__telemetry_15m_by_quantity.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "010"
down_revision = "009"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V010__telemetry_15m_by_quantity.sql")
