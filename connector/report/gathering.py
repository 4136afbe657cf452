"""
What the reports are made of: everybody from the ledger, a chunk at a time; histories and options from the CRM.

A report reads the account into the ledger as a run does, decides nothing, keeps no opinion and writes nothing to the
CRM. What it may not see becomes an unknown with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from connector import survey
from connector.crm import CRM, Description
from connector.errors import CrmError, Denied
from connector.fields import STRICT
from connector.ledger.history import Standing
from connector.ledger.history import standing as stands
from connector.model import Person
from connector.report.baseline import Ground
from connector.report.writers import Histories, Sample
from connector.sync import Order, Report, Session, run
from connector.sync.asking import must_read_everything
from connector.sync.look import Look

#: Warnings of a run that a baseline has words of its own for: observing is what it does, signals have a section.
_TOLD_ELSEWHERE = ("go_live is not set", "its signals are not seen", "sync would be refused")

#: How far to look back for people who were changed lately, until enough are found.
LOOK_BACK = (timedelta(days=1), timedelta(days=7), timedelta(days=30), timedelta(days=90))


def read(session: Session, as_of: datetime, *, resume: bool = True) -> Report:
    """Bring the ledger up to what the CRM says: everything the first time, then what changed."""
    everything = must_read_everything(session)
    return run(session, Order("report", as_of, everything=everything, write=False, resume=resume))


def everybody(session: Session, as_of: datetime) -> Iterator[Person]:
    """Everybody the ledger knows, by record id."""
    report = Report(0, session.ledger.connection, session.mode, as_of, as_of, session.agreement.fingerprint)
    look = Look(session, Order("report", as_of, write=False), report)
    after, done = "", 0
    total = session.ledger.mirror.count("contact")
    while ids := session.ledger.mirror.contacts(after, session.settings.chunk):
        yield from look.people(ids)
        after, done = ids[-1], done + len(ids)
        session.progress("reported", done, total)


def standing(session: Session, as_of: datetime) -> Iterator[tuple[Person, Standing | None]]:
    """Everybody whom the connection speaks about, with where the connector has them on their first track: the lead type
    that everybody has."""
    people = (person for person in everybody(session, as_of) if session.scope.admits(person))
    while chunk := list(islice(people, session.settings.chunk)):
        remembered = session.ledger.people.remember([person.id for person in chunk])
        for person in chunk:
            memory = remembered.get(person.id)
            yield person, stands(person.id, memory.tracks[0]) if memory and memory.tracks else None


def ground(session: Session, account: Description, report: Report, *, history: int) -> Ground:
    """Ask the account what a baseline stands on."""
    crm, agreement, mirror = session.crm, session.agreement, session.ledger.mirror
    specs = agreement.wiring.fields.get("contact", {})
    names = tuple(specs[field].property for field in STRICT if field in specs)
    told = _told(crm, names, history, session)
    return Ground(
        agreement=agreement,
        account=account,
        as_of=report.as_of,
        connection=session.ledger.connection,
        delivered=survey.delivered(crm, agreement, account, session.now()),
        automations=survey.automations(crm, agreement),
        histories=told.histories,
        sample=told.sample,
        holders={name: survey.people_per_option(crm, account, name) for name in names},
        activities=sum(mirror.count(kind) for kind in sorted(agreement.attempts.kinds)),
        own_writes=session.ledger.work.counted_since(report.as_of - timedelta(days=365)) > 0,
        warnings=tuple(one for one in report.warnings if not any(known in one for known in _TOLD_ELSEWHERE)),
    )


@dataclass(frozen=True, slots=True)
class _Told:
    histories: Histories
    sample: Sample


def _told(crm: CRM, names: tuple[str, ...], most: int, session: Session) -> _Told:
    """The histories of a sample of the people changed last."""
    if not most or not names:
        return _Told({}, Sample(unknown="no history was read; --history N reads that of N people"))
    try:
        ids, since = _changed_lately(crm, session.now(), most)
        chosen = spread(ids, most)
        session.progress("histories", 0, len(chosen))
        histories = crm.history("contact", chosen, names)
    except CrmError as error:
        if isinstance(error, Denied) and error.code != "scope":
            raise
        return _Told({}, Sample(unknown=f"the histories could not be read: {error}"))
    return _Told(histories, Sample(len(chosen), len(ids), since))


def _changed_lately(crm: CRM, now: datetime, most: int) -> tuple[list[str], datetime]:
    """Those changed within the shortest time that has enough of them, by record id, and since when."""
    found: set[str] = set()
    since = now
    for span in LOOK_BACK:
        since = now - span
        found = {id for batch in crm.changes("contact", crm.begin("contact", since), now) for id in batch.ids}
        if len(found) >= most:
            break
    return sorted(found, key=lambda id: (len(id), id)), since


def spread(ids: list[str], most: int) -> list[str]:
    """At most so many of these, evenly from the first to the last."""
    if len(ids) <= most:
        return ids
    return [ids[place * len(ids) // most] for place in range(most)]
