"""Who is on a deal together: contacts beside each other, by the links that the mirror holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from connector.ledger.database import Database, among
from connector.ledger.mirror import CONTACT
from connector.ledger.tables import CHANGED, links, records

_DEAL = "deal"


@dataclass(frozen=True, slots=True)
class Place:
    """A contact at another record: on a deal, or at a company."""

    contact: str
    other: str
    labels: tuple[str, ...]


class Beside:
    """The contacts of one connection, seen from what they share."""

    def __init__(self, database: Database, connection: str) -> None:
        self._db = database
        self._me = connection

    def on_deals(self, deals: Sequence[str]) -> list[Place]:
        """Everybody on these deals, whether their record was ever read or not."""
        return self._places(sa.and_(links.c.other_kind == _DEAL, among(links.c.other_id)), deals)

    def companies(self, contacts: Sequence[str]) -> list[Place]:
        """The companies of these contacts."""
        mine = sa.and_(links.c.kind == CONTACT, among(links.c.id), links.c.other_kind == "company")
        return self._places(mine, contacts)

    def _places(self, where: sa.ColumnElement[bool], ids: Sequence[str]) -> list[Place]:
        query = sa.select(links.c.id, links.c.other_id, links.c.labels).where(links.c.connection == self._me, where)
        return [
            Place(contact, other, tuple(filter(None, labels.split(";"))))
            for contact, other, labels in self._db.rows_of(query, ids)
        ]

    # -- who is to be looked at again -----------------------------------------------------------------

    def mark_on_deals(self, deals: Sequence[str]) -> None:
        """Everybody on these deals is to be looked at."""
        self._mark(among(links.c.other_id), _DEAL, deals)

    def mark_beside(self, contacts: Sequence[str]) -> None:
        """Everybody who is on a deal with one of these contacts is to be looked at."""
        theirs = links.alias("theirs")
        deals = sa.select(theirs.c.other_id).where(
            theirs.c.connection == self._me,
            theirs.c.kind == CONTACT,
            among(theirs.c.id),
            theirs.c.other_kind == _DEAL,
        )
        self._mark(links.c.other_id.in_(deals), _DEAL, contacts)

    def mark_beside_people_of(self, companies: Sequence[str]) -> None:
        """Everybody who is on a deal with somebody of these companies is to be looked at."""
        there = sa.and_(links.c.other_kind == "company", among(links.c.other_id))
        self.mark_beside(sorted({place.contact for place in self._places(there, companies)}))

    def _mark(self, where: sa.ColumnElement[bool], kind: str, ids: Sequence[str]) -> None:
        people = sa.select(links.c.id).where(links.c.connection == self._me, links.c.other_kind == kind, where)
        here = sa.and_(records.c.connection == self._me, records.c.kind == CONTACT, records.c.gone == 0)
        self._db.execute_of(sa.update(records).where(here, records.c.id.in_(people)).values(dirty=CHANGED), ids)
