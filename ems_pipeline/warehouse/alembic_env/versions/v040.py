"""Applies sql/migrations/V040__bitrix.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "040"
down_revision = "039"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V040__bitrix.sql")
