"""In a large state nobody is looked for by going through everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.drop_index("changes_person", "changes")
    op.create_index("changes_person", "changes", ["connection", "person_id", "run"], unique=False)
    op.create_index("tasks_person", "tasks", ["connection", "person_id"], unique=False)
    op.execute(sa.text("CREATE INDEX changes_undoing ON changes (connection, run, person_id) WHERE state = 'undoing'"))
