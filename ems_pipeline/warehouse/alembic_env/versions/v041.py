"""Applies sql/migrations/V041__genset_money.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "041"
down_revision = "040"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V041__genset_money.sql")
