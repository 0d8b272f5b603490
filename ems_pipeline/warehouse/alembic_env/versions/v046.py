"""Applies sql/migrations/V046__checklist_words.sql."""

from alembic import op

from ems_pipeline.warehouse.migrate import apply_file

revision = "046"
down_revision = "045"


def upgrade() -> None:
    apply_file(op.get_bind(), "migrations/V046__checklist_words.sql")
