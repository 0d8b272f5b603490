"""Applies sql/migrations/V016__tempo_colour.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "016"
down_revision = "015"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V016__tempo_colour.sql")
