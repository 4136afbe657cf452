"""Going live: pauses and schedules, people set aside, alerts, and what was only observed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name, kind in (
        ("observed_since", sa.Double()),
        ("paused_at", sa.Double()),
        ("paused_until", sa.Double()),
        ("pause_reason", sa.Text()),
        ("schedule", sa.LargeBinary()),
    ):
        op.add_column("connections", sa.Column(name, kind, nullable=True))
    _shadows()
    _aside()
    op.create_table(
        "alerts",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("people", sa.BigInteger(), nullable=True),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.Double(), nullable=True),
        sa.Column("closed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "key"),
    )
    op.create_table(
        "observed",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("track_id", sa.Text(), nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.Double(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("due_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "person_id", "track_id", "cycle"),
    )


def _shadows() -> None:
    op.create_table(
        "shadows",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("tracks", sa.LargeBinary(), nullable=True),
        sa.Column("base", sa.LargeBinary(), nullable=True),
        sa.Column("intended", sa.LargeBinary(), nullable=True),
        sa.Column("route_next_at", sa.Double(), nullable=True),
        sa.Column("score_next_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "id"),
    )
    op.create_index("shadows_route", "shadows", ["connection", "route_next_at"], unique=False)
    op.create_index("shadows_score", "shadows", ["connection", "score_next_at"], unique=False)


def _aside() -> None:
    op.create_table(
        "aside",
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Double(), nullable=True),
        sa.Column("tasks", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.Double(), nullable=True),
        sa.Column("until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("connection", "person_id"),
    )
    op.create_index("aside_cause", "aside", ["connection", "code", "cause"], unique=False)
