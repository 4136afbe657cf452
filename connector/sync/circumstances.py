"""
Under which circumstances people were looked at, and who must be looked at again because they are others now.

Another agreement, wiring, mode, go-live or scope concerns everybody, a list those who joined or left it, the passing of
time those whose day has come.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, timedelta

import orjson

from connector.ledger import Ledger
from connector.model import ALWAYS
from connector.sync import asking
from connector.sync.owners import follow_owners
from connector.sync.session import Order, Session


def remember(session: Session, order: Order) -> None:
    """Another agreement, wiring, mode, go-live or scope: everybody is looked at again, mark and memory at once."""
    settings, agreement = session.settings, session.agreement
    if order.verb not in ("plan", "report"):
        _change_memory(session, order)
    go_live = settings.go_live
    parts = (
        agreement.fingerprint,
        agreement.wiring.fingerprint,
        session.mode,
        "" if go_live is None else "always" if go_live == ALWAYS else go_live.isoformat(),
        session.scope.meaning,
    )
    _follow_lists(session)
    follow_owners(session)
    asking.note(session, everything=order.everything)
    circumstances = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    if session.ledger.runs.connection().circumstances == circumstances:
        return
    with session.ledger.transaction():
        session.ledger.mirror.mark_all_dirty()
        session.ledger.runs.note_circumstances(circumstances)


def _follow_lists(session: Session) -> None:
    """Whoever joined or left a list that the scope asks about is looked at again."""
    members = session.scope.members
    before = known_members(session.ledger)
    if members != before:
        with session.ledger.transaction():
            session.ledger.mirror.mark_dirty(sorted({id for _, id in members ^ before}))
            session.ledger.cursors.move("scope members", orjson.dumps(sorted(members)).decode())


def known_members(ledger: Ledger) -> frozenset[tuple[str, str]]:
    """Who was on the lists that the scope asks about, as the last run met them: (list, contact)."""
    return frozenset((name, id) for name, id in orjson.loads(ledger.cursors.of("scope members") or "[]"))


def _change_memory(session: Session, order: Order) -> None:
    """Observing begins with what was done so far, and what it imagined is forgotten with the mode."""
    ledger = session.ledger
    observes = session.mode == "observe"
    with ledger.transaction():
        changed = ledger.runs.change_mode(session.mode) is not None
        if changed and observes:
            ledger.shadows.copy_from(ledger.people)
            ledger.runs.observe_since(order.as_of)
        elif changed:
            ledger.shadows.clear()


def wake(session: Session, order: Order) -> None:
    """Those whose decision changes by the passing of time: routes at once, displayed scores once a day."""
    memory = session.memory
    memory.wake(order.as_of, scores=False)
    zone = session.agreement.zone
    hour, minute = (int(part) for part in session.agreement.write_back.scores_at.split(":"))
    local = order.as_of.astimezone(zone)
    moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment > local:
        moment -= timedelta(days=1)
    served = session.ledger.cursors.of("scores")
    due = moment.astimezone(UTC).isoformat()
    if served is None or served < due:
        with session.ledger.transaction():
            memory.wake(order.as_of, scores=True)
            session.ledger.cursors.move("scores", due)
