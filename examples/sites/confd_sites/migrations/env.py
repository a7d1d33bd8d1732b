"""Alembic's environment, with a table of versions of its own."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="sites_version")
with context.begin_transaction():
    context.run_migrations()
