"""Applies sql/migrations/V027__web_once.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "027"
down_revision = "026"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V027__web_once.sql")
