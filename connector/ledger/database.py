"""
One engine for SQLite and PostgreSQL: transactions, bulk statements, and errors an operator can act on.

All writing happens on one thread (the loop's). SQLite runs in WAL mode with `synchronous=FULL`, and a
transaction takes its write lock at once (`BEGIN IMMEDIATE`), so that two runs queue up instead of failing late.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from connector.errors import LedgerError

#: Bound parameters of one IN list; SQLite and PostgreSQL both take this many without complaint.
CHUNK = 900


class Database:
    """A database with the current schema. `transaction()` nests: the outermost one commits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        self._connection: sa.Connection | None = None
        self._upgrade()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Everything inside commits together or not at all."""
        if self._connection is not None:
            yield self._connection
            return
        with _told(self.url), self._engine.connect() as connection, connection.begin():
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    def rows(self, query: sa.Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """All rows of a small query."""
        with self.transaction() as connection:
            return connection.execute(query, parameters or {}).fetchall()

    def rows_of(self, query: sa.Executable, ids: Sequence[str]) -> list[Any]:
        """The rows of a query that says `among(column)`, for all these ids."""
        with self.transaction() as connection:
            return [row for part in chunks(ids) for row in connection.execute(query, {"ids": part})]

    def row(self, query: sa.Executable) -> Any:
        """The first row, or None."""
        with self.transaction() as connection:
            return connection.execute(query).fetchone()

    def scalar(self, query: sa.Executable) -> Any:
        """The first value of the first row, or None."""
        with self.transaction() as connection:
            return connection.execute(query).scalar()

    def execute(self, statement: sa.Executable, parameters: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Run a statement, once or for every parameter set; returns the rows it touched."""
        if parameters is not None and not parameters:
            return 0
        with self.transaction() as connection:
            result = connection.execute(statement, parameters) if parameters else connection.execute(statement)
            return int(result.rowcount)

    def execute_of(self, statement: sa.Executable, ids: Sequence[str]) -> int:
        """Run a statement that says `among(column)`, for all these ids; returns the rows it touched."""
        if not ids:
            return 0
        with self.transaction() as connection:
            return sum(int(connection.execute(statement, {"ids": part}).rowcount) for part in chunks(ids))

    def upsert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows, replacing those whose primary key exists. All rows carry the same columns."""
        if rows:
            self.execute(_upsert(self._engine.dialect.name, table, tuple(rows[0])), rows)

    def close(self) -> None:
        """Give the file or the connections back."""
        self._engine.dispose()

    def _upgrade(self) -> None:
        # Imported late: Alembic costs a quarter of a second that only a new or old schema should pay.
        from connector.ledger import migrate  # noqa: PLC0415

        with _told(self.url):
            migrate.bring_up(self._engine)


def _engine(url: str) -> sa.Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database not in (None, "", ":memory:"):
        _private_file(Path(parsed.database or ""), url)
    engine = sa.create_engine(parsed, connect_args={"timeout": 30, "isolation_level": None})
    sa.event.listen(engine, "connect", _sqlite_settings)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _private_file(path: Path, url: str) -> None:
    """State holds personal data: only its owner may read it."""
    with _told(url):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)


def _sqlite_settings(connection: Any, _record: Any) -> None:
    for setting in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn the database's complaints into one sentence that says which state, and what to do."""
    where = make_url(url).render_as_string(hide_password=True)
    try:
        yield
    except sa.exc.OperationalError as error:
        raise LedgerError(
            f"The state {where} cannot be used: {error.orig}. Check free disk space and rights on it and its"
            " folder; nothing is lost, the next run goes on from the last commit."
        ) from error
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise  # a constraint or a statement of ours: a mistake in this program, not in the file
        raise LedgerError(
            f"The state {where} cannot be used: {error.orig}. Restore it from a backup, or point [state] url at another"
            " file; a state that is lost is read anew, and what the CRM holds is safe."
        ) from error
    except OSError as error:
        raise LedgerError(f"The state {where} cannot be opened: {error.strerror or error}.") from error


_UPSERTS: dict[tuple[str, str, tuple[str, ...]], sa.Executable] = {}


def _upsert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> sa.Executable:
    key = (dialect, table.name, columns)
    if key not in _UPSERTS:
        statement = _insert(dialect, table)
        keys = [column.name for column in table.primary_key]
        values = {name: statement.excluded[name] for name in columns if name not in keys}
        _UPSERTS[key] = statement.on_conflict_do_update(index_elements=keys, set_=values)
    return _UPSERTS[key]


def _insert(dialect: str, table: sa.Table) -> Any:
    """Both dialects spell ON CONFLICT alike, yet SQLAlchemy keeps one construct for each; only ours is loaded."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]  # noqa: PLC0415
    return insert(table)


def among(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """`column` is one of the ids given to `rows_of` or `execute_of`; they join the statement when it runs, because to
    build a thousand literals into it costs more than to look them up."""
    return column.in_(sa.bindparam("ids", expanding=True))


def chunks(values: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """Slices small enough for one IN list."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def pack(value: Any) -> bytes:
    """A value as compact JSON; dict order is kept sorted so that equal values have equal bytes."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z)


def unpack(blob: bytes | memoryview | None) -> Any:
    """The value behind `pack`, or None."""
    return None if blob is None else orjson.loads(bytes(blob))


def stamp(at: datetime | None) -> float | None:
    """An instant as seconds since 1970, which both databases compare alike."""
    return None if at is None else at.timestamp()


def instant(seconds: float | None) -> datetime | None:
    """The instant behind `stamp`."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
