"""Applies sql/migrations/V034__found_battery.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "034"
down_revision = "033"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V034__found_battery.sql")
