"""The table of sites."""

from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE sites (
            id serial PRIMARY KEY,
            name varchar(128) NOT NULL,
            address varchar,
            revision integer NOT NULL DEFAULT 1,
            tenant_uuid uuid NOT NULL REFERENCES tenants (uuid) ON DELETE CASCADE,
            UNIQUE (name, tenant_uuid)
        );
        CREATE INDEX ON sites (tenant_uuid);
        SELECT confd_revised('sites');
    """)


def downgrade() -> None:
    op.execute("DROP TABLE sites")
