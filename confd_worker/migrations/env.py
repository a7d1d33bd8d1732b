"""Alembic's environment: migrates over the connection it is handed, which holds the lock."""

from alembic import context

from confd_worker.models import Base


def run() -> None:
    """Run the migrations, all in one transaction."""
    context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


run()
