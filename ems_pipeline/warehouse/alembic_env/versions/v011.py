"""Applies sql/migrations/V011__next_best_and_events.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "011"
down_revision = "010"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V011__next_best_and_events.sql")
