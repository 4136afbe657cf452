"""What reading remembers beside the records: merges, values that got lost, further e-mail addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "merges",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("survivor", sa.Text(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "kind", "id"),
    )
    op.create_index("merges_survivor", "merges", ["connection", "kind", "survivor"], unique=False)
    op.create_table(
        "losses",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "kind", "id", "field"),
    )
    op.create_index("losses_field", "losses", ["connection", "kind", "field", "at"], unique=False)
    op.create_table(
        "addresses",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("email_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "email_hash", "person_id"),
    )
    op.create_index("addresses_person", "addresses", ["connection", "person_id"], unique=False)
