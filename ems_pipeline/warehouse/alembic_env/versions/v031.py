"""Applies sql/migrations/V031__web_draft.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "031"
down_revision = "030"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V031__web_draft.sql")
