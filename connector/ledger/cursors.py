"""
How far reading got, and other small things that a connection remembers by name.

A cursor moves in the transaction of what it stands for. `complete_until` says up to when everything is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from connector.ledger.database import Database, instant, stamp
from connector.ledger.tables import cursors

#: What is asked at every step, put together once.
_CURSOR = sa.select(cursors.c.value).where(
    cursors.c.connection == sa.bindparam("me"), cursors.c.name == sa.bindparam("called")
)


class Cursors:
    """Cursors of one connection."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def of(self, name: str) -> str | None:
        """How far reading got."""
        value: str | None = self._db.scalar(_CURSOR, {"me": self._me, "called": name})
        return value

    def those_of(self, prefix: str) -> dict[str, str | None]:
        """How far reading got in everything whose name begins so, without the beginning."""
        return {name.removeprefix(prefix): value for name, (value, _) in self._named(prefix).items()}

    def move(self, name: str, value: str | None, complete_until: datetime | None = None) -> None:
        """Reading got this far, and everything before it is committed."""
        row = {"connection": self._me, "name": name, "value": value, "complete_until": stamp(complete_until)}
        self._db.upsert(cursors, [row])

    def latest(self, prefix: str) -> datetime | None:
        """When one of these was moved last, as far as that was said."""
        return max((until for _, until in self._named(prefix).values() if until is not None), default=None)

    def drop(self, prefix: str) -> None:
        """Start over with these."""
        self._db.execute(sa.delete(cursors).where(cursors.c.connection == self._me, cursors.c.name.startswith(prefix)))

    def complete_until(self) -> datetime | None:
        """The instant up to which every kind has been read completely; None while one has not been read once."""
        known = self._named("changes:", "begun:")
        read = {name: until for name, (_, until) in known.items() if name.startswith("changes:")}
        begun = {f"changes:{name.partition(':')[2]}" for name in known.keys() - read.keys()}
        if not read or begun - read.keys() or None in read.values():
            return None
        return min(at for at in read.values() if at is not None)

    def read_only(self, kinds: Sequence[str]) -> None:
        """These kinds are read, and no other: one that the agreement asks for no more holds nothing back, and begins
        anew when it is asked for again."""
        for kind in self.those_of("changes:"):
            if kind not in kinds:
                for what in (
                    "changes",
                    "full",
                    "begun",
                    "mark",
                    "scan",
                    "scanned",
                    "since run",
                    "short",
                    "overcounted",
                ):
                    self.drop(f"{what}:{kind}")

    def told_until(self, kind: str) -> datetime | None:
        """Up to when the incremental read has told everything of a kind; None before the first full read."""
        name = f"changes:{kind}"
        query = sa.select(cursors.c.complete_until).where(cursors.c.connection == self._me, cursors.c.name == name)
        return instant(self._db.scalar(query))

    def told(self, kinds: Iterable[str]) -> bool:
        """Whether the incremental read has told everything of all of these once."""
        known = self._named("changes:")
        return all(known.get(f"changes:{kind}", (None, None))[1] is not None for kind in kinds)

    def _named(self, *prefixes: str) -> dict[str, tuple[str | None, datetime | None]]:
        """Every cursor whose name begins so: its value, and until when everything is read."""
        begins = sa.or_(*(cursors.c.name.startswith(prefix) for prefix in prefixes))
        query = sa.select(cursors.c.name, cursors.c.value, cursors.c.complete_until)
        rows = self._db.rows(query.where(cursors.c.connection == self._me, begins))
        return {name: (value, instant(until)) for name, value, until in rows}

    # -- sweeps -------------------------------------------------------------------------------------

    def sweep(self, name: str) -> str | None:
        """Where a sweep under way stands, as its room noted it."""
        return self.of(f"sweep:{name}")

    def sweeps(self, names: Sequence[str]) -> dict[str, tuple[str | None, datetime | None]]:
        """Of each of these: where it stands, and when the latest complete one began: nothing it looks for is older. A
        full scan is one, too."""
        known = self._named("full:", "changes:", "sweep:")
        full, unknown = _read_in_full(known), (None, None)
        places = {name: known.get(f"sweep:{name}", unknown) for name in names}
        return {
            name: (place, max((at for at in (swept, full) if at is not None), default=None))
            for name, (place, swept) in places.items()
        }

    def note_sweep(self, name: str, place: str) -> None:
        """A piece of a sweep is done and committed."""
        row = {"connection": self._me, "name": f"sweep:{name}", "value": place}
        self._db.upsert(cursors, [row])

    def end_sweep(self, name: str, began: datetime) -> None:
        """A sweep went through everything."""
        self.move(f"sweep:{name}", None, began)

    def swept(self, name: str) -> datetime | None:
        """When the latest complete sweep of this name began."""
        return self.sweeps([name])[name][1]

    def note_drift(self, drift: int) -> None:
        """What the latest sweep, or full scan, found to differ."""
        self.move("drift", str(drift))

    def swept_drift(self) -> int:
        """What the latest sweep, or full scan, found to differ."""
        return int(self.of("drift") or 0)


def _read_in_full(known: Mapping[str, tuple[str | None, datetime | None]]) -> datetime | None:
    began = [value for name, (value, _) in known.items() if name.startswith("full:")]
    if not began or len(began) < sum(name.startswith("changes:") for name in known):
        return None
    return min(datetime.fromisoformat(at or "") for at in began)
