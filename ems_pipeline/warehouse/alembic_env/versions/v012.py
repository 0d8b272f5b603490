"""Applies sql/migrations/V012__building_response.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "012"
down_revision = "011"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V012__building_response.sql")
