"""Bringing the ledger's schema up to date. Alembic is loaded only when there is something to bring up."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from connector.errors import LedgerError

#: The revision this program works with; tests/ledger proves that it is Alembic's head.
HEAD = "0009"


def bring_up(engine: sa.Engine) -> None:
    """Create the schema or upgrade it; refuse one that a newer program wrote."""
    found = _revision(engine)
    if found == HEAD:
        return
    if found is not None and found > HEAD:
        raise LedgerError(
            f"The state was written by a newer connector (schema {found}, this program knows {HEAD})."
            " Install that version again, or point [state] url at another database."
        )
    _alembic_upgrade(engine)


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _alembic_upgrade(engine: sa.Engine) -> None:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that only an old schema pays
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)
