"""
Realistic B2B people, their companies, deals and activities, told from a seed.

Record n is computed whenever somebody looks at it: one hash of (seed, kind, n) gives 64 bytes of chance, each used
for one choice (what it holds: `contents`). Who belongs to whom is arithmetic (`Spread`), so links work both ways
without being stored. Dates hang on `now`, the instant the world was made; nothing is newer than an hour before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from connector.sandbox.clock import DAY_MS
from connector.sandbox.contents import KINDS, Contents
from connector.sandbox.records import Version
from connector.sandbox.spread import DEALS, HOUR_MS, Spread, share

FIRST_ID = 100_001
ID_STEP = 3  # ids have gaps, as in any account people delete from
PEOPLE_PER_COMPANY = 5

#: List name -> every how many people one is on it, starting with which.
LISTS = {
    "Visited pricing": (7, 0),
    "Visited careers": (31, 5),
    "Attended webinar": (11, 0),
    "Read case study": (9, 0),
    "Read comparison guide": (13, 0),
    "Started trial": (37, 0),
}
#: A list that the shipped agreement looks for; of the invented people, nobody is on it.
UNSUBSCRIBED = "Unsubscribed"
DEMO_FORM = "demo-request"
DEMO_EVERY = 29

_ACTIVITIES = {
    "calls": Spread(each=3, every=6, first=3),
    "emails": Spread(each=2, every=5, first=2),
    "meetings": Spread(each=1, every=14, first=0),
    "tasks": Spread(each=1, every=20, first=3),
}


class GeneratedPeople:
    """A population of `people` contacts with a fifth as many companies and a quarter as many deals."""

    def __init__(self, people: int, *, seed: int, now: int, activities: bool = True) -> None:
        self.people = people
        self._now = now
        self._companies = -(-people // PEOPLE_PER_COMPANY)
        self._hang = {"deals": DEALS} | (_ACTIVITIES if activities else {})
        self._contents = Contents(self._companies, now)
        self._hash = {kind: blake2b(b"%d:%s:" % (seed, kind.encode())) for kind in KINDS}
        # One record is asked for several times in a row: its dates, its values before a write, its values after.
        self._last_chance: tuple[str, int, bytes] = ("", -1, b"")
        self._last_born: tuple[str, int, dict[str, str]] = ("", -1, {})

    # -- which records there are -------------------------------------------------------------------------

    def count(self, kind: str) -> int:
        if kind == "contacts":
            return self.people
        if kind == "companies":
            return self._companies
        spread = self._hang.get(kind)
        return spread.count(self.people) if spread else 0

    def id_of(self, kind: str, number: int) -> str:
        return str(FIRST_ID + ID_STEP * number)

    def number_of(self, kind: str, id: str) -> int | None:
        number, rest = divmod(int(id) - FIRST_ID, ID_STEP)
        return number if rest == 0 and 0 <= number < self.count(kind) else None

    def first_from(self, kind: str, id: int) -> int:
        return max(0, -(-(id - FIRST_ID) // ID_STEP))

    # -- what they hold ----------------------------------------------------------------------------------

    def properties(self, kind: str, number: int) -> dict[str, str]:
        if self._last_born[:2] != (kind, number):
            self._last_born = (kind, number, self._contents.of(kind, number, self._chance(kind, number)))
        return dict(self._last_born[2])

    def created_at(self, kind: str, number: int) -> int:
        return self._born_at(self._chance(kind, number))

    def modified_at(self, kind: str, number: int) -> int:
        chance = self._chance(kind, number)
        created = self._born_at(chance)
        return created + int((self._now - HOUR_MS - created) * share(chance, 4))

    def history(self, kind: str, number: int, name: str) -> Sequence[Version]:
        return ()

    def links(self, kind: str, number: int, to: str) -> Iterable[tuple[str, bool]]:
        if kind == "contacts":
            return self._of_contact(number, to)
        if kind == "companies":
            return self._of_company(number, to)
        person = self._hang[kind].person_of(number)
        if to == "contacts":
            return ((self.id_of(to, person), False),)
        if kind == "deals" and to == "companies":
            return ((self.id_of(to, self._contents.company_of(person)), True),)
        return ()

    def members(self) -> Mapping[str, Mapping[str, int]]:
        invented = {name: dict(self._members_of(place, *LISTS[name])) for place, name in enumerate(LISTS)}
        return {**invented, UNSUBSCRIBED: {}}

    def submissions(self) -> Mapping[str, Iterable[tuple[int, Mapping[str, str]]]]:
        return {DEMO_FORM: [self._submission(n) for n in range(0, self.people, DEMO_EVERY)]}

    def lists_of(self, person: int) -> dict[str, int]:
        """The lists that person n is on, each with when they joined it."""
        return {
            name: self._joined_at(person, place)
            for place, (name, (every, first)) in enumerate(LISTS.items())
            if person % every == first % every and person >= first
        }

    def asked_for_demo_at(self, person: int) -> int | None:
        """When person n filled in the form; None where they never did."""
        return None if person % DEMO_EVERY else self._asked_at(person)

    # -- within ------------------------------------------------------------------------------------------

    def _chance(self, kind: str, number: int) -> bytes:
        if self._last_chance[:2] != (kind, number):
            digest = self._hash[kind].copy()
            digest.update(b"%d" % number)
            self._last_chance = (kind, number, digest.digest())
        return self._last_chance[2]

    def _born_at(self, chance: bytes) -> int:
        """Up to 400 days ago, at least two hours."""
        return self._now - 2 * HOUR_MS - int(400 * DAY_MS * share(chance, 0))

    def _of_contact(self, number: int, to: str) -> Iterable[tuple[str, bool]]:
        if to == "companies":
            return ((self.id_of(to, self._contents.company_of(number)), True),)
        spread = self._hang.get(to)
        return [(self.id_of(to, n), False) for n in spread.of_person(number)] if spread else ()

    def _of_company(self, number: int, to: str) -> Iterable[tuple[str, bool]]:
        staff = range(number, self.people, self._companies)
        if to == "contacts":
            return [(self.id_of(to, person), True) for person in staff]
        if to == "deals":
            return [(self.id_of(to, n), True) for person in staff for n in DEALS.of_person(person)]
        return ()

    def _members_of(self, place: int, every: int, first: int) -> Iterable[tuple[str, int]]:
        for person in range(first, self.people, every):
            yield self.id_of("contacts", person), self._joined_at(person, place)

    def _joined_at(self, person: int, place: int) -> int:
        since = share(self._chance("contacts", person), 40 + 2 * place)
        return self._now - HOUR_MS - int(60 * DAY_MS * since)

    def _submission(self, person: int) -> tuple[int, Mapping[str, str]]:
        values = self.properties("contacts", person)
        given = {name: values[name] for name in ("email", "firstname", "company") if name in values}
        return self._asked_at(person), given | {"message": "Please show us how it works."}

    def _asked_at(self, person: int) -> int:
        return self._now - HOUR_MS - int(45 * DAY_MS * share(self._chance("contacts", person), 52))
