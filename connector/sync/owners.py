"""Owners who come and go: their people are looked at again, and whom nobody owns for too long is told (case 64)."""

from __future__ import annotations

import orjson

from connector.log import get_logger
from connector.sync.session import Report, Session

log = get_logger("connector.sync")

_CURSOR = "active owners"
_CHUNK = 5_000
_NAMED = 5


def follow_owners(session: Session) -> None:
    """The people of an owner who left the account, or came back, are looked at again: no field of theirs changed."""
    cursors, active = session.ledger.cursors, session.owners
    known = cursors.of(_CURSOR)
    before = frozenset(orjson.loads(known)) if known else active
    if not active or (known and before == active):
        return
    with session.ledger.transaction():
        if changed := before ^ active:
            session.ledger.mirror.mark_dirty(_people_of(session, changed))
        cursors.move(_CURSOR, orjson.dumps(sorted(active)).decode())


def _people_of(session: Session, owners: frozenset[str]) -> list[str]:
    mirror, found = session.ledger.mirror, list[str]()
    chunk = mirror.contacts("", _CHUNK)
    while chunk:
        facts = mirror.facts("contact", chunk)
        found += [id for id in chunk if facts.get(id, {}).get("f", {}).get("owner_id") in owners]
        chunk = mirror.contacts(chunk[-1], _CHUNK)
    return found


def tell_unrouted(people: list[str], report: Report) -> None:
    """People handed over whom nobody owns: one line about all of them, ahead of what is told of single people."""
    if not people:
        return
    more = " ..." if len(people) > _NAMED else ""
    named = f"contact {', '.join(people[:_NAMED])}{more}"
    report.warnings.insert(0, f"{len(people)} handed over had no owner for longer than agreed: {named}")
    log.warning("handed over, and no owner for longer than agreed", people=len(people), run=report.run)
