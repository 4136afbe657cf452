"""
Putting people together from the mirror, and telling who else changed what since we last wrote it (G4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.crm import ACTIVITIES
from connector.fields import STRICT, Facts, Linked, Words
from connector.fields.places import LEAD, is_on_lead, on_lead, place_of
from connector.ledger.handoffs import UNDONE
from connector.ledger.links import LinkRow
from connector.ledger.memories import NOTHING, Memory
from connector.ledger.mirror import Kept, Surroundings
from connector.ledger.undone import Undone
from connector.model import ALWAYS, Edit, Person
from connector.plan import Held
from connector.sync.colleagues import Colleagues, nearest
from connector.sync.echoes import Echoed, Echoes, Histories, Standing
from connector.sync.session import Order, Report, Session
from connector.sync.who import Who, newest_of

#: What people say on a lead that its track follows.
FOLLOWED_ON_LEADS = (*STRICT, "sales_answer")


class Assembly:
    """Puts people together for one run: records and what is linked to them, memory, holds, and others' edits."""

    def __init__(self, session: Session, order: Order, report: Report, who: Who, echoes: Echoes | None = None) -> None:
        self._session = session
        self._order = order
        self._report = report
        self._ledger = session.ledger
        self._memory = session.memory
        self._colleagues = Colleagues(session)
        self._who = who
        self._echoes = echoes or Echoes(session)
        #: of the people put together last: stages and statuses that came across from another account
        self.echoed: Echoed = {}
        #: people of whom something was undone that is to be decided on anew
        self.let_go: set[str] = set()
        #: people of whom something was undone, and nothing new is known since
        self.left_alone: set[str] = set()
        #: field -> property of what may be written back: stage and status, and what the agreement names
        self.written = {
            field: spec.property
            for field in (*STRICT, *session.agreement.write_back.rules)
            if (spec := session.fields.spec(field)) is not None
        }
        #: the same of leads, with what sales answers there
        self.written_on_leads = {
            field: spec.property
            for field in (*FOLLOWED_ON_LEADS, *session.agreement.write_back.rules)
            if (spec := session.fields.leads.spec(field)) is not None
        }

    def people(
        self, ids: Sequence[str], failed: Callable[[str, Exception], None] | None = None
    ) -> tuple[list[Person], dict[str, Kept], dict[str, Memory], dict[str, dict[str, Held]]]:
        """These people as the agreement sees them, with their records, what is remembered of them and what is held.
        Whoever cannot be put together is told to `failed`, and the others go on."""
        with self._ledger.transaction():
            kept = self._kept(ids)
            around = self._ledger.mirror.around(tuple(kept))
            others = self._others(around.values())
            kept = {id: _with_leads(one, around[id], others) for id, one in kept.items()}
            memories = self._memory.remember(tuple(kept))
            holds = self._holds(tuple(kept))
            undone = self._ledger.undone.of(tuple(kept)) if self._memory is self._ledger.people else {}
        for id, one in undone.items():
            newest = _newest_run(kept[id], around[id], others)
            over = one.fingerprint != self._session.agreement.fingerprint or newest > one.by
            (self.let_go if over else self.left_alone).add(id)
            if over:
                memories[id] = _unused_again(memories.get(id, NOTHING), one, self._session.agreement.fingerprint)
            holds.setdefault(id, {}).update(_left_alone(one, self._order.as_of if over else None))
        edits, self.echoed = self._edits(kept, memories, holds)
        people: list[Person] = []
        for id, record in kept.items():
            try:
                as_asked = self._undone(record, memories.get(id, NOTHING))
                people.append(self._person(as_asked, around[id], others, edits.get(id, {})))
            except Exception as error:
                if failed is None:
                    raise
                failed(id, error)
        return self._colleagues.join(people), kept, memories, holds

    def _kept(self, ids: Sequence[str]) -> dict[str, Kept]:
        """The records of these people that are there, and within what was ordered."""
        within = self._order.within
        return {
            id: one
            for id, one in self._ledger.mirror.kept("contact", ids).items()
            if not one.gone and (within is None or within(one.facts, one.created_at))
        }

    def _holds(self, ids: Sequence[str]) -> dict[str, dict[str, Held]]:
        """Per person and property, the values of others that we leave alone."""
        holds: dict[str, dict[str, Held]] = {}
        for one in self._ledger.holds.of(ids):
            holds.setdefault(one.person_id, {})[one.property] = Held(
                one.property,
                one.live,
                one.ours,
                one.since,
                one.until,
                one.code,
                one.by,
                one.source,
                one.name,
                one.set_at,
            )
        return holds

    def _undone(self, kept: Kept, memory: Memory) -> Kept:
        """The records without a write of ours that was never confirmed: the agreement is asked what it was asked
        then, and the difference to what stands there now is what is left to do."""
        if not memory.intended:
            return kept
        fields = self._session.fields
        leads = {
            id: replace(one, facts=_undone(one.facts, fields.leads, self._places_on(id), memory))
            for id, one in kept.leads.items()
        }
        return replace(kept, facts=_undone(kept.facts, fields, self.written, memory), leads=leads)

    def _places_on(self, lead: str) -> dict[str, str]:
        """Field -> the place of what may be written back of it on a lead."""
        return {field: on_lead(lead, name) for field, name in self.written_on_leads.items()}

    def _others(self, around: Iterable[Surroundings]) -> dict[str, dict[str, Kept]]:
        """The records linked to these people, by kind."""
        wanted: dict[str, set[str]] = {}
        for one in around:
            for link in one.links:
                wanted.setdefault(link.kind, set()).add(link.id)
        return {kind: self._ledger.mirror.kept(kind, sorted(ids)) for kind, ids in wanted.items()}

    def _person(
        self, kept: Kept, around: Surroundings, others: Mapping[str, Mapping[str, Kept]], edits: Mapping[str, Edit]
    ) -> Person:
        """`edits` by place."""
        linked: dict[str, list[Linked]] = {}
        for link in sorted(around.links, key=lambda link: link.id):
            there = _linked(link, others[link.kind].get(link.id))
            if there is not None:
                linked.setdefault(link.kind, []).append(there)
        companies = sorted(linked.get("company", ()), key=lambda one: nearest((one.id, one.labels)))
        person = self._session.fields.people.person(
            Linked(kept.id, kept.facts, (), kept.seen),
            created_at=kept.created_at,
            company=companies[0] if companies else None,
            deals=linked.get("deal", ()),
            activities=[(kind, one) for kind in ACTIVITIES for one in linked.get(kind, ())],
            occurrences=around.occurrences,
            edits={edit.field: edit for place, edit in edits.items() if not is_on_lead(place)} if edits else {},
            leads=[(Linked(id, one.facts), one.created_at, _on(id, edits)) for id, one in kept.leads.items()],
        )
        return person if self._session.is_active(person.owner_id) else replace(person, owner_id=None)

    # -- who changed stage or status since we wrote them, and what sales answered ------------------------------------

    def _edits(
        self, kept: Mapping[str, Kept], memories: Mapping[str, Memory], holds: Mapping[str, Mapping[str, Held]]
    ) -> tuple[dict[str, dict[str, Edit]], Echoed]:
        """Person -> place -> what others made of it; and what came across from another account."""
        found: dict[str, dict[str, Edit]] = {}
        for id, memory in memories.items():
            record, held = kept[id], holds.get(id, {})
            edits = {
                name: edit
                for field in STRICT
                if (name := self.written.get(field)) is not None
                and (edit := _edit(field, name, record.facts, self._session.fields, memory, held)) is not None
            }
            answered = self._session.fields.spec("sales_answer")
            if answered is not None and (answer := _answer(record, memory)) is not None:
                edits[answered.property] = answer
            if record.leads:
                edits |= self._edits_on_leads(record, memory, held)
            if edits:
                found[id] = edits
        return self._dated(found) if found else ({}, {})

    def _edits_on_leads(self, kept: Kept, memory: Memory, holds: Mapping[str, Held]) -> dict[str, Edit]:
        """What others made of stage and status of this person's leads, and what they answered there: an answer that is
        taken away says nothing."""
        words = self._session.fields.leads
        return {
            place: edit
            for id, lead in kept.leads.items()
            for field, place in self._places_on(id).items()
            if field in FOLLOWED_ON_LEADS
            and (edit := _edit(field, place, lead.facts, words, memory, holds)) is not None
            if field in STRICT or edit.after is not None
        }

    def _dated(self, found: dict[str, dict[str, Edit]]) -> tuple[dict[str, dict[str, Edit]], Echoed]:
        """Ask the CRM's history who made these edits and when; without an answer they stay undated. What our own token
        wrote is no edit, and neither is what came across from another account, which is told apart."""
        open_ones = {
            id: places
            for id, edits in found.items()
            if (places := [place for place, edit in edits.items() if edit.by == "unknown"])
        }
        histories = self._who.histories(open_ones)
        for id, history in histories.items():
            for place in open_ones[id]:
                edit, versions = found[id][place], history.get(place, ())
                words = self._session.fields.words_at(place)
                version = newest_of(versions, words.encode(edit.field, edit.after))
                if version is None or not self._is_of(version.value, place, edit):
                    continue
                if edit.field in STRICT and self._who.is_us(id, place, versions):
                    del found[id][place]
                    continue
                known = replace(edit, at=version.at, by=version.by, source=version.source, name=version.name)
                found[id][place] = known
        return found, self._without_echoes(found, histories)

    def _without_echoes(self, found: Mapping[str, dict[str, Edit]], histories: Histories) -> Echoed:
        """Of stage and status, on the person's own record and on their leads."""
        live = {
            id: {
                place: Standing(edit.field, self._session.fields.words_at(place).encode(edit.field, edit.after))
                for place, edit in edits.items()
                if edit.field in STRICT
            }
            for id, edits in found.items()
        }
        echoed = self._echoes.among({id: places for id, places in live.items() if places}, histories)
        for id, places in echoed.items():
            for place in places:
                del found[id][place]
        return echoed

    def _is_of(self, value: str | None, place: str, edit: Edit) -> bool:
        """Whether this version tells of the edit. An answer may be read from another property, which has a history of
        its own."""
        if edit.field in STRICT:
            return True
        wanted = self._session.fields.words_at(place).encode(edit.field, edit.after)
        return self._session.fields.same(edit.field, place, value, wanted)


def _with_leads(kept: Kept, around: Surroundings, others: Mapping[str, Mapping[str, Kept]]) -> Kept:
    """A person's record with those of their leads."""
    ids = [link.id for link in around.links if link.kind == LEAD]
    there = {id: lead for id in sorted(ids) if (lead := others[LEAD].get(id)) is not None and not lead.gone}
    return replace(kept, leads=there) if there else kept


def _on(lead: str, edits: Mapping[str, Edit]) -> dict[str, Edit]:
    """The edits on one lead, by field."""
    return {edit.field: edit for place, edit in edits.items() if place_of(place).id == lead}


def _undone(facts: Facts, words: Words, places: Mapping[str, str], memory: Memory) -> Facts:
    """Facts without a write of ours that was never confirmed. `places` are named by field."""
    before: dict[str, str] = {}
    for field, place in places.items():
        intended = memory.intended.get(place)
        if intended is None:
            continue
        live = words.encode(field, words.live(facts, field))
        if any(words.alike(field, live, each) for each in intended[1:]):
            before[field] = intended[0]
    return words.with_written(facts, before)


def _edit(field: str, place: str, facts: Facts, words: Words, memory: Memory, holds: Mapping[str, Held]) -> Edit | None:
    """What somebody else made of a value since we wrote it, or first met it."""
    if field in facts.get("u", {}):
        return None
    live = words.encode(field, words.live(facts, field))
    if live == memory.base.get(place):
        return None
    ours = Ours(memory).get(place)
    if ours is None or live in ours:
        return None
    hold = holds.get(place)
    if hold is not None and hold.frozen and hold.live == live:
        return None  # a quarrel that has been told
    before = words.decode(field, memory.base.get(place, ""))
    return Edit(field, before, words.live(facts, field), None, "unknown")


def _newest_run(kept: Kept, around: Surroundings, others: Mapping[str, Mapping[str, Kept]]) -> int:
    """The latest run that saw something new of a person, or around them."""
    linked = (others[link.kind].get(link.id) for link in around.links)
    seen = [kept.seen, *(link.seen for link in around.links), *(one.seen for one in around.occurrences)]
    return max(*seen, *(one.seen for one in linked if one is not None), 0)


def _left_alone(one: Undone, until: datetime | None) -> dict[str, Held]:
    """What was put back, as values that we leave alone."""
    return {
        name: Held(name, restored, ours, one.at, until, UNDONE, by="us")
        for name, (restored, ours) in one.values.items()
    }


def _unused_again(memory: Memory, one: Undone, fingerprint: str) -> Memory:
    """Under another agreement the facts that led to an undone decision count once more."""
    if one.tracks is None or one.fingerprint == fingerprint:
        return memory
    return replace(memory, tracks=one.tracks)


def _answer(kept: Kept, memory: Memory) -> Edit | None:
    """An answer of sales to the hand-off the record speaks of, the newest one under way, that its track does not answer
    to yet: when was it given?"""
    live = kept.facts["f"].get("sales_answer")
    under_way = [track for track in memory.tracks if track.get("handed_over")]
    track = max(under_way, key=_handed_over_at, default=None)
    if live is None or track is None or live == track.get("answer"):
        return None
    return Edit("sales_answer", track.get("answer"), live, None, "unknown")


def _handed_over_at(track: Mapping[str, Any]) -> datetime:
    at = track.get("handed_over_at")
    return datetime.fromisoformat(at) if at else ALWAYS


def _linked(link: LinkRow, kept: Kept | None) -> Linked | None:
    if kept is None or kept.gone:
        return None
    return Linked(link.id, kept.facts, link.labels, max(link.seen, kept.seen))


class Ours(Mapping[str, frozenset[str]]):
    """Per property, the texts that are no edit of others: the base, and both ends of a write under way.

    Worked out when asked for: of most people nothing differs, and nothing is asked.
    """

    def __init__(self, memory: Memory) -> None:
        self._base, self._intended = memory.base, memory.intended

    def __getitem__(self, name: str) -> frozenset[str]:
        if name in self._intended:
            before, *after = self._intended[name]
            return frozenset((self._base.get(name, before), *after))
        return frozenset((self._base[name],))

    def __iter__(self) -> Iterator[str]:
        return iter({**self._base, **self._intended})

    def __len__(self) -> int:
        return len({**self._base, **self._intended})
