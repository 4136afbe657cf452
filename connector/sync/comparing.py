"""
Whom another version of the agreement would move, by what the ledger knows: everybody is decided on under both.

Nothing is read from the CRM and nothing is kept. A changed rule is no new fact: it lets people fall, or shuts a door,
at the next run, and carries up whoever meets it at their next fact, or at once where the agreement says
apply_to = "everyone". Both are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from connector.model import Decision
from connector.sync.asking import must_read_everything, reads_of
from connector.sync.forecast import Costs, calls_to_read
from connector.sync.look import Look
from connector.sync.session import Order, Report, Session

#: A lead type, and the way from one stage to another on its track; None is no stage.
Way = tuple[str, str | None, str | None]


@dataclass(slots=True)
class Moved:
    """Who stands elsewhere under the new version: ids by way, and the hand-offs there would not have been before."""

    ways: dict[Way, list[str]] = field(default_factory=dict)
    tasks: list[str] = field(default_factory=list)
    written: int = 0  # people of whom something that is written back is another

    @property
    def people(self) -> int:
        """How many stand elsewhere."""
        return len({id for ids in self.ways.values() for id in ids})

    def note(self, before: Decision, after: Decision, written: Sequence[str]) -> None:
        """Set one person's two decisions side by side; `written` are the fields whose change is written."""
        old, new = _stages(before), _stages(after)
        for lead_type in dict.fromkeys((*old, *new)):
            if old.get(lead_type) != new.get(lead_type):
                way = lead_type, old.get(lead_type), new.get(lead_type)
                self.ways.setdefault(way, []).append(after.person_id)
        self.written += any(before.outputs.get(one) != after.outputs.get(one) for one in written)
        known = {task.lead_type for task in before.tasks}
        self.tasks += [after.person_id for task in after.tasks if task.lead_type not in known]


def _stages(decision: Decision) -> dict[str, str | None]:
    """The stage on each track."""
    return {track.lead_type: track.stage for track in decision.tracks}


@dataclass(slots=True)
class Effect:
    """What the new version does to the people of one connection."""

    people: int = 0
    undecided: int = 0  # whose data one of the versions cannot digest
    at_once: Moved = field(default_factory=Moved)  # by the next run, if a changed rule waits for facts
    everyone: Moved = field(default_factory=Moved)  # by the next run, if it moves everybody
    grades: int = 0
    unread: tuple[str, ...] = ()  # properties the new version asks for and nobody has read yet
    calls_to_read: int = 0  # before anybody is decided on: everything is read once more


def compare(before: Session, after: Session, as_of: datetime, costs: Costs) -> Effect:
    """Decide on everybody under both versions. Both sessions are offline, on the same ledger; `costs` are those of
    reading over the connection."""
    before, after = _routed(before), _routed(after)
    waiting = _by(after, "new_facts")
    moving = _by(after, "everyone")
    effect = Effect(unread=_unread(after))
    if must_read_everything(after):
        effect.calls_to_read = calls_to_read(after, costs)
    total = before.ledger.mirror.count("contact")
    written = [field for field, rule in after.agreement.write_back.rules.items() if rule.alone]
    order = Order("report", as_of, write=False)
    looks = [Look(one, order, _report(one, as_of)) for one in (before, waiting, moving)]
    for chunk in _everybody(before):
        old, slow, fast = (_decisions(look, chunk) for look in looks)
        for id in old.keys() & slow.keys() & fast.keys():
            effect.people += 1
            effect.at_once.note(old[id], slow[id], written)
            effect.everyone.note(old[id], fast[id], written)
            effect.grades += old[id].score.grade != slow[id].score.grade
        effect.undecided += len(old.keys() ^ (slow.keys() & fast.keys()))
        before.progress("compared", effect.people, total)
    return effect


def _by(session: Session, apply_to: Literal["new_facts", "everyone"]) -> Session:
    """The same session, its rules applied to new facts or to everyone; the fingerprint stays that of the files."""
    return replace(session, agreement=replace(session.agreement, apply_to=apply_to))


def _routed(session: Session) -> Session:
    """Where only scores are written, the question is still where people would go."""
    if session.mode != "scores":
        return session
    return replace(session, settings=replace(session.settings, mode="live"))


def _report(session: Session, as_of: datetime) -> Report:
    recent = session.ledger.runs.recent(1)
    fingerprint = session.agreement.fingerprint
    number = recent[0].number if recent else 0
    return Report(number, session.ledger.connection, session.mode, as_of, as_of, fingerprint)


def _everybody(session: Session) -> Iterator[tuple[str, ...]]:
    after = ""
    while chunk := tuple(session.ledger.mirror.contacts(after, session.settings.chunk)):
        yield chunk
        after = max(chunk)


def _decisions(look: Look, ids: tuple[str, ...]) -> Mapping[str, Decision]:
    return {one.person.id: one.decision for one in look.at(ids)}


def _unread(session: Session) -> tuple[str, ...]:
    known = session.ledger.runs.connection().reads or {}
    wanted = {kind: set(names) - set(known.get(kind, ())) for kind, names in reads_of(session).items()}
    return tuple(f"{kind} {name}" for kind, names in sorted(wanted.items()) for name in sorted(names))
