"""
Half written: a person's own record took its part of a change, and one of their leads moved before it took its own.

The person is decided on again, and what stands is not sent a second time. Yet it is this run's doing: the row of the
change goes on telling it, so that it is explained, recognised as ours and undone like all else the run wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.fields import FieldMap
from connector.fields.places import LEAD, PERSON, place_of
from connector.ledger import Ledger
from connector.ledger.mirror import Kept
from connector.ledger.work import PlannedChange
from connector.plan import Change, Set, from_json

#: Key of a planned change's body: the places whose sets stand already.
STOOD = "stood"


def to_send(planned: PlannedChange) -> Change:
    """The change without what stands already."""
    change, stood = from_json(planned.body), planned.body.get(STOOD)
    return replace(change, sets=tuple(one for one in change.sets if one.property not in stood)) if stood else change


def standing(ledger: Ledger, fields: FieldMap, rows: Sequence[PlannedChange]) -> dict[str, tuple[Set, ...]]:
    """Person -> those of the sets of their change that stand, by the records as just read. Whose write has begun."""
    sets = {row.person_id: [Set._make(one) for one in row.body["sets"]] for row in rows}
    people = ledger.mirror.kept(PERSON, list(sets))
    leads = ledger.mirror.kept(LEAD, sorted({place_of(one.property).id for those in sets.values() for one in those}))
    found = {
        id: tuple(one for one in those if _stands(one, _record_of(one, people.get(id), leads), fields))
        for id, those in sets.items()
    }
    return {id: those for id, those in found.items() if those}


def _record_of(one: Set, person: Kept | None, leads: Mapping[str, Kept]) -> Kept | None:
    place = place_of(one.property)
    return leads.get(place.id) if place.kind == LEAD else person


def _stands(one: Set, record: Kept | None, fields: FieldMap) -> bool:
    words = fields.words_at(one.property)
    spec = words.spec(one.field)
    if record is None or record.gone or spec is None or spec.property != place_of(one.property).property:
        return False
    return words.alike(one.field, words.encode(one.field, words.live(record.facts, one.field)), one.after)


def as_a_whole(before: PlannedChange, stood: Sequence[Set], rest: Sequence[Set]) -> tuple[Set, ...]:
    """What stands and what is still to be written, in the order in which it was planned."""
    known = {one.property: one for one in (*stood, *rest)}
    order = [name for _, name, *_ in before.body["sets"] if name in known]
    return tuple(known[name] for name in dict.fromkeys((*order, *known)))


def with_stood(row: PlannedChange, before: PlannedChange, stood: Sequence[Set]) -> PlannedChange:
    """The row of the whole change, of which this much stands."""
    if not stood:
        return row
    there = {one[1] for one in row.body["sets"] if Set._make(one) in stood}
    retaken = [name for name in before.body.get("retaken", ()) if name in there]
    retaken += [name for name in row.body.get("retaken", ()) if name not in there]
    return replace(row, body={**row.body, STOOD: sorted(there), **({"retaken": retaken} if retaken else {})})
