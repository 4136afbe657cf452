"""
Invented people in an environment: those of the HubSpot sandbox, record by record, told in Dataverse's columns.

Person n of both sandboxes is the same one. Most are contacts; of every twenty some are leads that stand alone, some are
contacts with a lead of their own beside them (one of them qualified). Everything is computed when somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from connector.sandbox.clock import Clock
from connector.sandbox.dataverse import words
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.known import APP_USER
from connector.sandbox.dataverse.rows import Row
from connector.sandbox.dataverse.schema import Ref
from connector.sandbox.dataverse.spreading import Members, born_id, number_in
from connector.sandbox.dataverse.translation import BLOCK, PARTIES, QUALIFIED, Translation
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.spread import DEALS

#: Of every twenty people: who stands alone as a lead, and who is a contact with a lead.
ALONE, BESIDE = (2, 6, 10, 14), (7, *QUALIFIED)
_ACTIVITIES = {"phonecall": "calls", "email": "emails", "appointment": "meetings", "task": "tasks"}
_KINDS = {"account": "companies", "opportunity": "deals"} | _ACTIVITIES
#: Lookups that only looking at every row would follow back.
_ANYBODYS = ("ownerid", "createdby", "modifiedby", "transactioncurrencyid")


class InventedRows:
    """The rows of invented people by table. With `alone` false nobody is only a lead, with `beside` false no contact
    has one."""

    def __init__(self, people: GeneratedPeople, *, alone: bool = True, beside: bool = True) -> None:
        self._people = people
        lonely, extra = (ALONE if alone else ()), (BESIDE if beside else ())
        self._alone = frozenset(lonely)
        contacts = tuple(place for place in range(BLOCK) if place not in self._alone)
        self._who = {
            "contact": Members(people.people, BLOCK, contacts),
            "lead": Members(people.people, BLOCK, tuple(sorted((*lonely, *extra)))),
        }
        self._translation = Translation(people, self._alone)

    # -- which rows there are ----------------------------------------------------------------------------

    def count(self, table: str) -> int:
        if table in self._who:
            return self._who[table].count()
        if table == "activityparty":
            return PARTIES * (self._people.count("calls") + self._people.count("emails"))
        return self._people.count(_KINDS[table]) if table in _KINDS else 0

    def id_of(self, table: str, number: int) -> str:
        return born_id(table, self._record(table, number))

    def number_of(self, table: str, id: str) -> int | None:
        record = number_in(table, id)
        if record is None:
            return None
        if table in self._who:
            return self._who[table].number_of(record)
        return record if record < self.count(table) else None

    def first_after(self, table: str, id: str) -> int:
        record = number_in(table, id)
        if record is None:
            return 0 if id < born_id(table, 0) else self.count(table)
        return self._who[table].first_after(record) if table in self._who else min(record + 1, self.count(table))

    def row(self, table: str, number: int) -> Row:
        record = self._record(table, number)
        id = born_id(table, record)
        if table == "activityparty":
            return self._translation.party(id, record)
        kind = "contacts" if table in self._who else _KINDS[table]
        told = self._people.properties(kind, record)
        owner = self._translation.owner(told)
        by = owner.id if owner.table == "systemuser" else APP_USER
        created, modified = self._people.created_at(kind, record), self._people.modified_at(kind, record)
        return Row(id, 1000 + record, created, modified, by, by, self._translation.values(table, record, told))

    def numbers(self, table: str, column: str, id: str) -> Iterable[int] | None:
        """Only what a connector asks for: whose deals, leads, activities and parties these are."""
        if column in _ANYBODYS:
            return None
        if table == "activityparty" and column == "activityid":
            return self._parties_of(id)
        people = self._people_behind(id)
        if people is None:
            return None if column == "partyid" else ()
        return [n for person in people for n in self._hung_on(person, table) if self._points(table, column, id, n)]

    # -- within ------------------------------------------------------------------------------------------

    def _record(self, table: str, number: int) -> int:
        """The number that the record has among the invented ones: of the person, for contacts and leads."""
        return self._who[table].record_of(number) if table in self._who else number

    def _hung_on(self, person: int, table: str) -> Iterable[int]:
        """The numbers of the rows of a table that belong to a person."""
        if table in self._who:
            number = self._who[table].number_of(person)
            return () if number is None else (number,)
        if table == "opportunity":
            return DEALS.of_person(person)
        if table in _ACTIVITIES:
            return self._activities_of(person, table)
        if table == "activityparty":
            ids = [born_id(one, n) for one in ("phonecall", "email") for n in self._activities_of(person, one)]
            return [number for id in ids for number in self._parties_of(id)]
        return ()

    def _activities_of(self, person: int, table: str) -> list[int]:
        kind = _ACTIVITIES[table]
        found = (self._people.number_of(kind, id) for id, _ in self._people.links("contacts", person, kind))
        return [number for number in found if number is not None]

    def _points(self, table: str, column: str, id: str, number: int) -> bool:
        value = self.row(table, number).values.get(column)
        return isinstance(value, Ref) and value.id == id

    def _people_behind(self, id: str) -> Iterable[int] | None:
        """The person of a contact or lead, everybody at an account; None for another id."""
        for table in self._who:
            person = number_in(table, id)
            if person is not None:
                return [person]
        company = number_in("account", id)
        if company is None:
            return None
        return range(company, self._people.people, max(1, self._people.count("companies")))

    def _parties_of(self, id: str) -> Iterable[int]:
        call, email = number_in("phonecall", id), number_in("email", id)
        if call is not None:
            return range(PARTIES * call, PARTIES * (call + 1))
        if email is not None:
            first = PARTIES * (self._people.count("calls") + email)
            return range(first, first + PARTIES)
        return ()


def populated(
    people: int,
    seed: int = 7,
    *,
    activities: bool = True,
    now: datetime | None = None,
    alone: bool = True,
    beside: bool = True,
) -> Environment:
    """An environment of invented people; the same seed and `now` give the same one, and the people of the HubSpot
    sandbox that has them."""
    clock = Clock(now)
    if not people:
        return Environment(clock=clock)
    generated = GeneratedPeople(people, seed=seed, now=clock.now(), activities=activities)
    environment = Environment(InventedRows(generated, alone=alone, beside=beside), clock=clock)
    for table, columns in words.OWN_COLUMNS.items():
        for column in columns:
            environment.tables[table].add(column)
    return environment
