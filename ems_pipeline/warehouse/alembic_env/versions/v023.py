"""Applies sql/migrations/V023__held_map.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "023"
down_revision = "022"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V023__held_map.sql")
