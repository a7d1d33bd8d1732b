"""Alembic's environment: migrates over the connection it is handed, which holds the lock."""

from alembic import context

from confd_worker.models.base import Base


def run() -> None:
    """Run the migrations, all in one transaction."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        target_metadata=Base.metadata,
        version_table=attributes.get("version_table", "alembic_version"),
    )
    with context.begin_transaction():
        context.run_migrations()


run()
