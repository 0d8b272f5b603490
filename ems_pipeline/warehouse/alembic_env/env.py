"""Alembic's entry: runs on the connection `migrate.upgrade` hands over, inside its transaction."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, version_table="ems_alembic_version", version_table_schema="public")
with context.begin_transaction():
    context.run_migrations()
