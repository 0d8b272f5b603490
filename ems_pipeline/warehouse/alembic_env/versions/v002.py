"""Applies sql/migrations/V002__market.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "002"
down_revision = "001"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V002__market.sql")
