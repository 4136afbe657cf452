"""What processes agree on about the CRM's quotas, and who of them may send how much until when."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("pool"),
    )
    op.create_table(
        "quota_leases",
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("pool", "holder"),
    )
