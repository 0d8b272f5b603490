"""Applies sql/migrations/V006__control.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "006"
down_revision = "005"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V006__control.sql")
