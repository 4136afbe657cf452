"""
One person's change as it goes out: to their own record, and to each of their leads that it concerns.

A person's change is one thing, and so is its outcome: written when all of its records are. The person's own record goes
first, and the leads of those alone whose record took it, so that a refusal leaves as little half written as can be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from connector.crm import CRM, Outcome, PropertyVersion, Update, accounting
from connector.fields.places import LEAD, PERSON, by_lead, is_on_lead, on_lead, place_of
from connector.plan import Change, Set

#: What a person's outcome is if anything of theirs ended so: first what nobody knows, then what is to be done again.
_GRAVEST = ("unknown", "deferred", "moved", "rejected")

#: Code of the refusal of a record that takes no writes any more.
CLOSED = "record_closed"

Versions = Sequence[PropertyVersion]


def write(crm: CRM, changes: Sequence[Change], ours_alone: Collection[str] = ()) -> list[Outcome]:
    """One outcome for each change, in their order, whose properties are places. `ours_alone` are the properties that
    nobody else sets (fields.owning)."""
    own = [(one, sets) for one in changes if (sets := own_sets(one))]
    updates = [
        _update(one, one.person_id, {each.property: each.after for each in sets}, ours_alone) for one, sets in own
    ]
    told = {one.id: one for one in accounting.write(crm, PERSON, updates)}
    sure = [one for one in changes if one.person_id not in told or told[one.person_id].state == "written"]
    on_leads = _to_leads(crm, sure, ours_alone)
    return [_as_one(one, told.get(one.person_id), on_leads.get(one.person_id, {})) for one in changes]


def own_sets(change: Change) -> list[Set]:
    """What goes to the person's own record."""
    return [one for one in change.sets if not is_on_lead(one.property)]


def leads_of(change: Change) -> list[str]:
    """The leads that a change is written to."""
    return list(by_lead(one.property for one in change.sets))


def _update(change: Change, id: str, values: Mapping[str, str], ours_alone: Collection[str]) -> Update:
    """One record's part. Whoever is handed over is to be as they were decided on, whatever is written of them."""
    return Update(id, values, not change.tasks and all(name in ours_alone for name in values))


def _to_leads(crm: CRM, changes: Sequence[Change], ours_alone: Collection[str]) -> dict[str, dict[str, Outcome]]:
    """Person -> lead -> what became of its part. A lead that two people claim was read before it went over to one of
    them: the other is read again."""
    updates: dict[str, Update] = {}
    found: dict[str, dict[str, Outcome]] = {}
    for change in changes:
        for id in leads_of(change):
            sets = {place_of(one.property): one.after for one in change.sets}
            values = {place.property: after for place, after in sets.items() if place.id == id}
            if id in updates:
                found.setdefault(change.person_id, {})[id] = Outcome(id, "moved", code="moved_meanwhile")
                continue
            updates[id] = _update(change, id, values, ours_alone)
            found.setdefault(change.person_id, {})[id] = Outcome(id, "deferred")  # until the CRM has answered
    told = {one.id: one for one in accounting.write(crm, LEAD, list(updates.values()))}
    return {
        person: {id: told[id] if outcome.state == "deferred" else outcome for id, outcome in parts.items()}
        for person, parts in found.items()
    }


def _as_one(change: Change, own: Outcome | None, leads: Mapping[str, Outcome]) -> Outcome:
    """What became of a person's change as a whole."""
    if not leads and own is not None:
        return own
    parts = [_of_lead(id, outcome) for id, outcome in leads.items()] + ([own] if own is not None else [])
    state = next((each for each in _GRAVEST if any(part.state == each for part in parts)), "written")
    if own is not None and own.state == "gone":
        return own
    first = next(part for part in parts if part.state == state)
    return Outcome(
        change.person_id,
        first.state,
        {name: value for part in parts for name, value in part.properties.items()},
        first.code,
        first.message,
        tuple(name for part in parts if part.state == "rejected" for name in part.refused),
    )


def _of_lead(id: str, outcome: Outcome) -> Outcome:
    """A lead's outcome in terms of places. One that is gone or closed takes nobody with it: the person is read and
    decided on again without it."""
    properties = {on_lead(id, name): value for name, value in outcome.properties.items()}
    refused = tuple(on_lead(id, name) for name in outcome.refused)
    if outcome.state == "gone" or outcome.code == CLOSED:
        return Outcome(id, "moved", properties, "moved_meanwhile", f"lead {id} is open no more")
    return Outcome(id, outcome.state, properties, outcome.code, outcome.message, refused)


# -- asking the CRM about places -------------------------------------------------------------------------


def read(crm: CRM, wanted: Mapping[str, Collection[str]]) -> dict[str, dict[str, str | None]]:
    """What stands at these places (person -> places) right now; a person who is gone is missing, as is what stood on a
    lead that is. Whoever is part of another record by now has what that one holds."""
    found: dict[str, dict[str, str | None]] = {}
    names = _own_names(wanted)
    for record in crm.read(PERSON, list(wanted), names) if wanted else ():
        values = {name: record.properties.get(name) for name in names}
        for id in (record.id, *record.merged_ids):
            found.setdefault(id, values)
    told = {id: {name: found[id][name] for name in _own(wanted[id])} for id in wanted if id in found}
    leads = {id: person for person, places in wanted.items() for id in by_lead(places)}
    for record in crm.read(LEAD, list(leads), _lead_names(wanted)) if leads else ():
        person = leads.get(record.id)
        if person in told:
            those = by_lead(wanted[person])[record.id]
            told[person] |= {on_lead(record.id, name): record.properties.get(name) for name in those}
    return told


def history(crm: CRM, wanted: Mapping[str, Collection[str]]) -> dict[str, dict[str, Versions]]:
    """Who changed what stands at these places (person -> places), newest first."""
    found: dict[str, dict[str, Versions]] = {}
    people = sorted(id for id, places in wanted.items() if _own(places))
    if people:
        for id, versions in crm.history(PERSON, people, _own_names(wanted)).items():
            found[id] = dict(versions)
    leads = {id: person for person, places in wanted.items() for id in by_lead(places)}
    if leads:
        for id, versions in crm.history(LEAD, sorted(leads), _lead_names(wanted)).items():
            told = found.setdefault(leads[id], {})
            told |= {on_lead(id, name): those for name, those in versions.items()}
    return found


def _own(places: Iterable[str]) -> list[str]:
    return [one for one in places if not is_on_lead(one)]


def _own_names(wanted: Mapping[str, Collection[str]]) -> list[str]:
    return sorted({one for places in wanted.values() for one in _own(places)})


def _lead_names(wanted: Mapping[str, Collection[str]]) -> list[str]:
    return sorted({place_of(one).property for places in wanted.values() for one in places if is_on_lead(one)})
