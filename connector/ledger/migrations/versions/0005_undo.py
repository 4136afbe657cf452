"""What was undone and is left alone since, who was forgotten, and into whom people were merged."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "undone",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.Double(), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "person_id"),
    )
    op.create_table(
        "forgotten",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "digest"),
    )
    op.create_table(
        "merged",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("loser", sa.Text(), nullable=False),
        sa.Column("survivor", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "loser"),
    )
    op.create_index("merged_survivor", "merged", ["connection", "survivor"], unique=False)
    op.add_column("connections", sa.Column("salt", sa.Text(), nullable=True))
