"""Applies sql/migrations/V019__held_configuration.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "019"
down_revision = "018"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V019__held_configuration.sql")
