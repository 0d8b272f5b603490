"""Applies sql/migrations/V007__audit.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "007"
down_revision = "006"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V007__audit.sql")
