"""Who stands behind a hold, and how often our values were set back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    for name in ("code", "by", "source", "name"):
        op.add_column("holds", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("holds", sa.Column("set_at", sa.Double(), nullable=True))
    op.create_table(
        "reversals",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("property", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=True),
        sa.Column("standing", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("last_at", sa.Double(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "person_id", "property"),
    )
    _wake_at_the_end_of_holds()


def _wake_at_the_end_of_holds() -> None:
    """From now on whoever is on hold is looked at again when the hold is over; those on hold already are told here."""
    ends = (
        "SELECT MIN(holds.until) FROM holds WHERE holds.connection = people.connection"
        " AND holds.person_id = people.id AND holds.until IS NOT NULL"
    )
    op.execute(
        f"UPDATE people SET route_next_at = ({ends})"
        f" WHERE EXISTS (SELECT 1 FROM holds WHERE holds.connection = people.connection AND holds.person_id = people.id"
        f" AND holds.until IS NOT NULL) AND (people.route_next_at IS NULL OR people.route_next_at > ({ends}))"
    )
