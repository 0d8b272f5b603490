"""Applies sql/migrations/V049__challenger.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "049"
down_revision = "048"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V049__challenger.sql")
