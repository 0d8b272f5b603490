"""Applies sql/migrations/V045__net_events.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "045"
down_revision = "044"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V045__net_events.sql")
