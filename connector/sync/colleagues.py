"""
The others on a person's open deals, where the agreement asks which roles are there.

What a person's record says then depends on records that are not around that person: whenever somebody's role may have
changed, everybody beside them on a deal is looked at again, in the transaction that keeps the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from connector.agreement.vocabulary import DERIVED
from connector.ledger.beside import Place
from connector.ledger.database import unpack
from connector.ledger.links import Moved
from connector.ledger.mirror import Kept, News
from connector.model import PRIMARY, Colleague, Person
from connector.sync.session import Session

_GOING = ("open", "on_hold")


class Colleagues:
    """Joins people with those beside them; does nothing where no agreement asks."""

    def __init__(self, session: Session) -> None:
        agreement = session.agreement
        self._fields = session.fields
        self._mirror = session.ledger.mirror
        self._beside = session.ledger.beside
        self._ledger = session.ledger
        self._asked = bool(agreement.audience.buying_group)
        tells = {
            name for each in agreement.personas for one in each.match for name in DERIVED.get(one.field, (one.field,))
        }
        tells.add("buying_role")
        #: kind of record -> the fields there that tell somebody's role
        self._tells = {kind: tells & set(agreement.wiring.fields.get(kind, ())) for kind in ("contact", "company")}

    # -- who is there ----------------------------------------------------------------------------------

    def join(self, people: Sequence[Person]) -> list[Person]:
        """These people with the others on their open deals."""
        deals = {person.id: _going(person) for person in people} if self._asked else {}
        wanted = sorted({deal for those in deals.values() for deal in those})
        if not wanted:
            return list(people)
        with self._ledger.transaction():
            on_deal: dict[str, list[Place]] = {}
            for place in self._beside.on_deals(wanted):
                on_deal.setdefault(place.other, []).append(place)
            known = self._known(sorted({place.contact for those in on_deal.values() for place in those}))
        return [
            replace(person, colleagues=_colleagues(person.id, deals[person.id], on_deal, known))
            if deals[person.id]
            else person
            for person in people
        ]

    def _known(self, contacts: Sequence[str]) -> dict[str, Colleague | None]:
        """What is known of these contacts; None of one who is gone, nothing of one who was never read."""
        kept = self._mirror.kept("contact", contacts)
        companies = self._companies(contacts) if self._tells["company"] else {}
        return {
            id: None
            if one.gone
            else Colleague(
                id, self._fields.people.fields_of(one.facts, there.facts if (there := companies.get(id)) else None), {}
            )
            for id, one in kept.items()
        }

    def _companies(self, contacts: Sequence[str]) -> dict[str, Kept]:
        places = sorted(self._beside.companies(contacts), key=lambda one: nearest((one.other, one.labels)))
        kept = self._mirror.kept("company", sorted({place.other for place in places}))
        found: dict[str, Kept] = {}
        for place in places:
            there = kept.get(place.other)
            if there is not None and not there.gone:
                found.setdefault(place.contact, there)
        return found

    # -- who is to be looked at again --------------------------------------------------------------------

    def changed(self, kind: str, news: Sequence[News]) -> None:
        """Records were read whose facts are new."""
        if not self._asked or not self._tells.get(kind):
            return
        ids = [one.seen.id for one in news if self._tells_otherwise(kind, one)]
        if kind == "contact":
            self._beside.mark_beside(ids)
        else:
            self._beside.mark_beside_people_of(ids)

    def _tells_otherwise(self, kind: str, one: News) -> bool:
        """Whether a role may be another now: a field says otherwise, or the record is new, or there again."""
        if one.before is None or one.before == one.packed:
            return True
        before, now = unpack(one.before)["f"], one.seen.facts["f"]
        return any(before.get(name) != now.get(name) for name in self._tells[kind])

    def moved(self, links: Sequence[Moved]) -> None:
        """Links came, went, or got another label."""
        if not self._asked:
            return
        self._beside.mark_on_deals(sorted({other for _, kind, other in links if kind == "deal"}))
        if self._tells["company"]:
            self._beside.mark_beside(sorted({contact for contact, kind, _ in links if kind == "company"}))

    def left(self, kind: str, ids: Sequence[str]) -> None:
        """Records are gone."""
        if self._asked and kind == "contact":
            self._beside.mark_beside(ids)
        elif self._asked and kind == "company" and self._tells["company"]:
            self._beside.mark_beside_people_of(ids)


def nearest(company: tuple[str, Sequence[str]]) -> tuple[bool, tuple[int, str]]:
    """The order of a contact's companies, by (id, labels): the primary one first, then as the CRM gave out ids."""
    id, labels = company
    return PRIMARY not in labels, (int(id), id) if id.isdigit() else (0, id)


def _going(person: Person) -> frozenset[str]:
    return frozenset(deal.id for deal in person.deals if deal.counted and deal.state in _GOING)


def _colleagues(
    me: str, deals: frozenset[str], on_deal: Mapping[str, Sequence[Place]], known: Mapping[str, Colleague | None]
) -> tuple[Colleague, ...]:
    labels: dict[str, dict[str, tuple[str, ...]]] = {}
    for deal in sorted(deals):
        for place in on_deal.get(deal, ()):
            if place.contact != me:
                labels.setdefault(place.contact, {})[deal] = place.labels
    found = ((known.get(id, Colleague(id, None, {})), there) for id, there in sorted(labels.items()))
    return tuple(replace(one, deals=there) for one, there in found if one is not None)
