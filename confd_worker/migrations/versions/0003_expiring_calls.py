"""Records of calls tell themselves until when they are kept.

Revision ID: confd_0003
Revises: confd_0002
"""

import sqlalchemy as sa
from alembic import op

revision = "confd_0003"
down_revision = "confd_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column(
        "expires_at", sa.DateTime(timezone=True), server_default=sa.text("now() + interval '1 day'"), nullable=False
    )
    op.add_column("calls", column)
    op.create_index("calls_expires_at_idx", "calls", ["expires_at"])
    op.drop_index("calls_created_at_idx", "calls")


def downgrade() -> None:
    op.create_index("calls_created_at_idx", "calls", ["created_at"])
    op.drop_column("calls", "expires_at")
