"""
What the agreement asks of records, and what of it the mirror holds.

Where a rule asks for a property that was not read yet, or the mapping reads one otherwise than before (another type,
other words, another field), what the mirror holds is not what the agreement means: everybody is read once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.sync.session import Session

#: Kind -> names of properties, or of ways to read them.
ByKind = Mapping[str, Sequence[str]]


def reads_of(session: Session) -> dict[str, list[str]]:
    """Which properties the agreement asks for, per kind."""
    return {kind: list(session.fields.properties(kind)) for kind in session.agreement.wiring.fields}


def must_read_everything(session: Session) -> bool:
    """Whether an incremental run would decide on less than the agreement asks for, or on other words than it means."""
    known, as_known = session.ledger.runs.connection().reads, session.ledger.runs.read_as()
    if known is None:
        return True
    otherwise = as_known is not None and not _within(_read_as(session), as_known)
    return otherwise or not _within(reads_of(session), known)


def first_asked(session: Session, kind: str) -> frozenset[str]:
    """The properties of a kind that were never asked for: what stands there is no news. None at the first read."""
    known = session.ledger.runs.connection().reads
    return frozenset() if known is None else frozenset(session.fields.properties(kind)) - set(known.get(kind, ()))


def note(session: Session, *, everything: bool) -> None:
    """Remember what the mirror holds. A run over a few people has read nothing new of the others: of what was known it
    only forgets what is asked for no more, so that it is read anew when it is asked for again."""
    runs = session.ledger.runs
    known, as_known = runs.connection().reads, runs.read_as()
    asked, asked_as = reads_of(session), _read_as(session)
    if known is None and not session.ledger.cursors.told(kind for kind in asked if asked[kind]):
        return
    if known is not None and not everything and must_read_everything(session):
        asked, asked_as = _of_these(asked, known), _of_these(asked_as, as_known or {})
    if (known, as_known) != (asked, asked_as):
        runs.note_reads(asked, asked_as)


def _read_as(session: Session) -> dict[str, list[str]]:
    return {kind: list(session.fields.readings(kind)) for kind in session.agreement.wiring.fields}


def _within(asked: ByKind, known: ByKind) -> bool:
    return all(set(names) <= set(known.get(kind, ())) for kind, names in asked.items())


def _of_these(asked: ByKind, known: ByKind) -> dict[str, list[str]]:
    return {kind: [name for name in names if name in set(known.get(kind, ()))] for kind, names in asked.items()}
