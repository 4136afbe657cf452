"""Rejects know since when, and when they are tried again. What older ones hold of values is forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for name in ("first_at", "next_at"):
        op.add_column("rejects", sa.Column(name, sa.Double(), nullable=True))
    op.execute("UPDATE rejects SET first_at = at, next_at = at, payload = NULL")
