"""Applies sql/migrations/V037__genset_alarm.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "037"
down_revision = "036"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V037__genset_alarm.sql")
