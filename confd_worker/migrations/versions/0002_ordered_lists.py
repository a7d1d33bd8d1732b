"""Indexes that give the lists of extensions and voicemails their order.

Revision ID: confd_0002
Revises: confd_0001
"""

from alembic import op

revision = "confd_0002"
down_revision = "confd_0001"
branch_labels = None
depends_on = None

_ORDERS = {"extensions": "exten", "voicemails": "number"}
"""The column that orders the list of a table."""


def upgrade() -> None:
    for table, column in _ORDERS.items():
        op.create_index(f"{table}_tenant_uuid_{column}_id_idx", table, ["tenant_uuid", column, "id"])
        op.drop_index(f"{table}_tenant_uuid_idx", table)


def downgrade() -> None:
    for table, column in _ORDERS.items():
        op.create_index(f"{table}_tenant_uuid_idx", table, ["tenant_uuid"])
        op.drop_index(f"{table}_tenant_uuid_{column}_id_idx", table)
