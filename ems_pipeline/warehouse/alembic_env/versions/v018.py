"""Applies sql/migrations/V018__doubted_prices.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "018"
down_revision = "017"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V018__doubted_prices.sql")
