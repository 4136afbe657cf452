"""
One engine for SQLite and PostgreSQL: transactions, bulk statements, and errors an operator can act on.

All writing happens on one thread (the loop's). SQLite runs in WAL mode with `synchronous=FULL`, and a
transaction takes its write lock at once (`BEGIN IMMEDIATE`), so that two runs queue up instead of failing late. Who
only reads takes no lock and opens no transaction: what is committed can be read whoever writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from connector.errors import LedgerError

#: Says of a connection that nothing is written through it.
_ONLY_READS = "only reads"

#: Seconds that one transaction waits for another.
PATIENCE = 30.0


class Database:
    """A database with the current schema. `transaction()` nests: the outermost one commits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = _engine(url)
        self._reader = self._engine.execution_options(**{_ONLY_READS: True})
        self._connection: sa.Connection | None = None
        self._proof: Callable[[sa.Connection], None] | None = None
        self._upserts: dict[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]]] = {}
        self._upgrade()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Everything inside commits together or not at all."""
        if self._connection is not None:
            yield self._connection
            return
        with _told(self.url), self._engine.connect() as connection, connection.begin():
            if self._proof is not None:
                self._proof(connection)
            self._connection = connection
            try:
                yield connection
            finally:
                self._connection = None

    @contextmanager
    def proving(self, proof: Callable[[sa.Connection], None]) -> Iterator[None]:
        """Inside, every transaction begins with this proof; what it raises, the transaction raises."""
        self._proof = proof
        try:
            yield
        finally:
            self._proof = None

    @contextmanager
    def apart(self) -> Iterator[sa.Connection]:
        """A transaction of its own, for a thread beside the one that does the work; it proves nothing first."""
        with _told(self.url), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """What is committed, and inside a transaction what that sees. One statement: two may see two states."""
        if self._connection is not None:
            yield self._connection
            return
        with _told(self.url), self._reader.connect() as connection:
            yield connection

    def rows(self, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """All rows of a small query."""
        with self.reading() as connection:
            return connection.execute(query, parameters or {}).fetchall()

    def rows_of(self, query: sa.Select[Any], ids: Sequence[str]) -> list[Any]:
        """The rows of a query that says `among(column)`, for all these ids."""
        return list(self.rows(query, _given(ids))) if ids else []

    def row(self, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None) -> Any:
        """The first row, or None."""
        with self.reading() as connection:
            return connection.execute(query, parameters or {}).fetchone()

    def scalar(self, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None) -> Any:
        """The first value of the first row, or None."""
        with self.reading() as connection:
            return connection.execute(query, parameters or {}).scalar()

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
            return int(connection.execute(statement, _given(ids)).rowcount)

    def upsert(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows, replacing those whose primary key exists. All rows carry the same columns."""
        if rows:
            sql, places = self._upsert(table, tuple(rows[0]))
            # Straight to the driver: SQLAlchemy's care for each parameter set costs as much as the database does.
            given = [tuple([row[name] for name in places]) for row in rows] if places else [dict(row) for row in rows]
            with self.transaction() as connection:
                connection.exec_driver_sql(sql, given)

    def insert_missing(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows whose primary key does not exist yet."""
        self.execute(_insert(self._engine.dialect.name, table).on_conflict_do_nothing(), rows)

    def _upsert(self, table: sa.Table, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The statement as text, and the columns in the order of its places (none where it names them)."""
        if (table.name, columns) not in self._upserts:
            statement = _upsert(self._engine.dialect.name, table, columns)
            compiled = statement.compile(dialect=self._engine.dialect, column_keys=list(columns))
            self._upserts[table.name, columns] = str(compiled), tuple(compiled.positiontup or ())
        return self._upserts[table.name, columns]

    def scrub(self, *, patience: float = PATIENCE) -> bool:
        """Write the file anew, so that nothing of what was erased is left between its pages; its journal as well. False
        where somebody still reads or writes it after so many seconds: what they may see must stay there."""
        with _told(self.url), self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                return _vacuumed(connection.connection.driver_connection, patience)
            connection.execution_options(isolation_level="AUTOCOMMIT")
            watched = connection.exec_driver_sql(_WATCHED).scalar()
            connection.exec_driver_sql("VACUUM")
            return not watched

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
    engine = sa.create_engine(parsed, connect_args={"timeout": PATIENCE, "isolation_level": None})
    sa.event.listen(engine, "connect", _sqlite_settings)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    if not connection.get_execution_options().get(_ONLY_READS):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _private_file(path: Path, url: str) -> None:
    """State holds personal data: only its owner may read it."""
    with _told(url):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)


def _sqlite_settings(connection: Any, _record: Any) -> None:
    for setting in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={PATIENCE * 1000:.0f}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {setting}")


#: How many others have a transaction open, in which rows that were deleted meanwhile still stand.
_WATCHED = """SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"""


def _vacuumed(driver: Any, patience: float) -> bool:
    """Whether the file and its journal hold nothing but what is to be read in them."""
    driver.execute(f"PRAGMA busy_timeout={patience * 1000:.0f}")
    try:
        driver.execute("VACUUM")
        (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise sa.exc.OperationalError("VACUUM", None, error) from error
        return False
    finally:
        driver.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
    return not busy


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Turn the database's complaints into one sentence that says which state, and what to do."""
    try:
        yield
    except sa.exc.OperationalError as error:
        raise LedgerError(
            f"The state {_shown(url)} cannot be used: {error.orig}. Check free disk space and rights on it and its"
            " folder; nothing is lost, the next run goes on from the last commit."
        ) from error
    except sa.exc.DatabaseError as error:
        if type(error) is not sa.exc.DatabaseError:
            raise  # a constraint or a statement of ours: a mistake in this program, not in the file
        raise LedgerError(
            f"The state {_shown(url)} cannot be used: {error.orig}. Restore it from a backup, or point [state] url at"
            " another file; a state that is lost is read anew, and what the CRM holds is safe."
        ) from error
    except OSError as error:
        raise LedgerError(f"The state {_shown(url)} cannot be opened: {error.strerror or error}.") from error


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)


def _upsert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> Any:
    statement = _insert(dialect, table)
    keys = [column.name for column in table.primary_key]
    values = {name: statement.excluded[name] for name in columns if name not in keys}
    if not values:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


def _insert(dialect: str, table: sa.Table) -> Any:
    """Both dialects spell ON CONFLICT alike, yet SQLAlchemy keeps one construct for each; only ours is loaded."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]  # noqa: PLC0415
    return insert(table)


def among(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """`column` is one of the ids given to `rows_of` or `execute_of`. They travel as one JSON text, because to bind a
    thousand values one by one costs more than to look them up."""
    return column.in_(sa.select(sa.column("value")).select_from(_EachOf(sa.bindparam("ids"))))


def _given(ids: Sequence[str]) -> dict[str, str]:
    return {"ids": orjson.dumps(ids).decode()}


class _EachOf(FunctionElement[str]):
    """The texts in a JSON list as rows with one column, `value`."""

    inherit_cache = True


@compiles(_EachOf, "sqlite")
def _each_in_sqlite(element: _EachOf, compiler: Any, **words: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **words)})"


@compiles(_EachOf, "postgresql")
def _each_in_postgresql(element: _EachOf, compiler: Any, **words: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **words)} AS json))"


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
