"""Applies sql/migrations/V004__telemetry.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "004"
down_revision = "003"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V004__telemetry.sql")
