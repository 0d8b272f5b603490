"""Applies sql/migrations/V038__genset_command.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "038"
down_revision = "037"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V038__genset_command.sql")
