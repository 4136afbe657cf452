"""
Invented people in an environment: those of the HubSpot sandbox, record by record, told in Dataverse's columns.

Person n of both sandboxes is the same one. Most are contacts; of every twenty some are leads that stand alone, some are
contacts with a lead of their own beside them (one of them qualified). Everything is computed when somebody looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

from connector.sandbox.clock import Clock, iso_date, parse_ms
from connector.sandbox.dataverse import words
from connector.sandbox.dataverse.environment import Environment
from connector.sandbox.dataverse.known import APP_USER, CURRENCY, TEAM, owner_id
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import Ref
from connector.sandbox.dataverse.spreading import Members, born_id, number_in
from connector.sandbox.generate import DEALS, GeneratedPeople

#: Of every twenty people: who stands alone as a lead, who is a contact with a lead, and whose lead was qualified.
ALONE, BESIDE, QUALIFIED = (2, 6, 10, 14), (7, 13), (13,)
BLOCK = 20
_ACTIVITIES = {"phonecall": "calls", "email": "emails", "appointment": "meetings", "task": "tasks"}
_KINDS = {"account": "companies", "opportunity": "deals"} | _ACTIVITIES
#: Two people take part in each call and e-mail.
_PARTIES = 2
_FREE_OWNER = Ref("team", TEAM)


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
        self._tell: dict[str, Callable[[int, dict[str, str]], dict[str, Value]]] = {
            "contact": self._contact,
            "lead": self._lead,
            "account": self._account,
            "opportunity": self._opportunity,
            "phonecall": self._phonecall,
            "email": self._email,
            "appointment": self._appointment,
            "task": self._task,
        }

    # -- which rows there are ----------------------------------------------------------------------------

    def count(self, table: str) -> int:
        if table in self._who:
            return self._who[table].count()
        if table == "activityparty":
            return _PARTIES * (self._people.count("calls") + self._people.count("emails"))
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
            return self._party(id, record)
        kind = "contacts" if table in self._who else _KINDS[table]
        told = self._people.properties(kind, record)
        values = self._tell[table](record, told)
        owner = values["ownerid"] = self._owner(told)
        by = owner.id if owner.table == "systemuser" else APP_USER
        created, modified = self._people.created_at(kind, record), self._people.modified_at(kind, record)
        return Row(id, 1000 + record, created, modified, by, by, {n: v for n, v in values.items() if v is not None})

    def numbers(self, table: str, column: str, id: str) -> Iterable[int] | None:
        """Only what a connector asks for: whose deals, leads, activities and parties these are."""
        if column in ("ownerid", "partyid", "createdby", "modifiedby", "transactioncurrencyid"):
            return None
        people = self._people_behind(id)
        if table in self._who and people is not None:
            ours = self._who[table]
            return [
                n
                for person in people
                if (n := ours.number_of(person)) is not None and self._points(table, column, id, n)
            ]
        if table == "opportunity" and people is not None:
            return [n for person in people for n in DEALS.of_person(person) if self._points(table, column, id, n)]
        if table in _ACTIVITIES and people is not None:
            found = (self._people.links("contacts", person, _ACTIVITIES[table]) for person in people)
            return [
                int(n)
                for one in found
                for linked, _ in one
                if (n := self._people.number_of(_ACTIVITIES[table], linked)) is not None
                and self._points(table, column, id, int(n))
            ]
        if table == "activityparty" and column == "activityid":
            return self._parties_of(id)
        return ()

    # -- within ------------------------------------------------------------------------------------------

    def _record(self, table: str, number: int) -> int:
        """The number that the record has among the invented ones: of the person, for contacts and leads."""
        return self._who[table].record_of(number) if table in self._who else number

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

    def _person(self, person: int) -> Ref:
        """The row that a person is: a lead alone, or a contact."""
        table = "lead" if person % BLOCK in self._alone else "contact"
        return Ref(table, born_id(table, person))

    def _company(self, person: int) -> Ref:
        return Ref("account", born_id("account", person % max(1, self._people.count("companies"))))

    def _owner(self, told: dict[str, str]) -> Ref:
        owner = told.get("hubspot_owner_id")
        return Ref("systemuser", owner_id(owner)) if owner else _FREE_OWNER

    def _contact(self, person: int, told: dict[str, str]) -> dict[str, Value]:
        seen = self._seen(person, told)
        return {**_person(told), **seen, "parentcustomerid": self._company(person), "statecode": 0, "statuscode": 1}

    def _lead(self, person: int, told: dict[str, str]) -> dict[str, Value]:
        place = person % BLOCK
        company = self._people.properties("companies", person % max(1, self._people.count("companies")))
        state, status = words.LEAD_STATE.get(told.get("hs_lead_status", ""), (0, 1))
        if place not in self._alone and place in QUALIFIED:
            state, status = 1, 3
        links: dict[str, Value] = {"parentaccountid": self._company(person)}
        if place not in self._alone:
            links["parentcontactid"] = Ref("contact", born_id("contact", person))
        return {
            **_person(told),
            **self._seen(person, told),
            **links,
            "companyname": told.get("company"),
            "subject": f"Interest of {told.get('company', 'a company')}",
            "industrycode": words.INDUSTRY.get(company.get("industry", "")),
            "numberofemployees": _whole(company.get("numberofemployees")),
            **_money("revenue", company.get("annualrevenue")),
            "leadsourcecode": words.LEAD_SOURCE.get(told.get("hs_analytics_source", ""), words.WEB),
            "statecode": state,
            "statuscode": status,
        }

    def _seen(self, person: int, told: dict[str, str]) -> dict[str, Value]:
        """When the website and the mailings saw them last."""
        lists = self._people.lists_of(person)
        dates: dict[str, Value] = {words.SEEN_ON[name]: at for name, at in lists.items()}
        clicked = told.get("hs_email_last_click_date")
        dates[words.CLICK_ON] = parse_ms(clicked) if clicked else None
        return {**dates, words.DEMO_ON: self._people.asked_for_demo_at(person)}

    def _account(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        return {
            "name": told.get("name"),
            "websiteurl": told.get("website"),
            "industrycode": words.INDUSTRY.get(told.get("industry", "")),
            "address1_country": told.get("country"),
            "address1_city": told.get("city"),
            "numberofemployees": _whole(told.get("numberofemployees")),
            **_money("revenue", told.get("annualrevenue")),
            "customertypecode": 8,
            "statecode": 0,
            "statuscode": 1,
        }

    def _opportunity(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        person = DEALS.person_of(number)
        stage, state, status = words.DEAL_STAGE[told["dealstage"]]
        day = iso_date(parse_ms(told["closedate"]))
        contact = Ref("contact", born_id("contact", person))
        return {
            "name": told["dealname"],
            "customerid": self._company(person),
            "accountid": self._company(person),
            "parentaccountid": self._company(person),
            "parentcontactid": contact,
            **_money("estimatedvalue", told["amount"]),
            **(_money("actualvalue", told["amount"]) if state == 1 else {}),
            "estimatedclosedate": day,
            "actualclosedate": day if state else None,
            "salesstage": stage,
            "cx_dealtype": words.DEAL_TYPE[told["dealtype"]],
            "cx_lostreason": told.get("closed_lost_reason"),
            "statecode": state,
            "statuscode": status,
        }

    def _phonecall(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        """Connected ones have lasted a minute or more; an answering machine is told by `leftvoicemail`."""
        incoming = told["hs_call_direction"] == "INBOUND"
        voicemail = told.get("hs_call_disposition") == "b2cf5968-551e-4856-9783-52b3da59a7d0"
        return {
            **self._activity("calls", number, told),
            "subject": told["hs_call_title"],
            "directioncode": not incoming,
            "leftvoicemail": voicemail,
            "actualdurationminutes": int(told["hs_call_duration"]) // 60_000,
            "statecode": 1,
            "statuscode": 4 if incoming else 2,
        }

    def _email(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        incoming = told["hs_email_direction"] == "INCOMING_EMAIL"
        failed = told["hs_email_status"] == "BOUNCED" and not incoming
        return {
            **self._activity("emails", number, told),
            "subject": told["hs_email_subject"],
            "directioncode": not incoming,
            "senton": parse_ms(told["hs_timestamp"]),
            "statecode": 0 if failed else 1,
            "statuscode": 8 if failed else 4 if incoming else 3,
        }

    def _appointment(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        state, status = words.MEETING[told["hs_meeting_outcome"]]
        start, end = parse_ms(told["hs_meeting_start_time"]), parse_ms(told["hs_meeting_end_time"])
        times: dict[str, Value] = {"scheduledstart": start, "scheduledend": end}
        held = {"actualstart": start, "actualend": end} if state == 1 else {"actualstart": None, "actualend": None}
        about = self._activity("meetings", number, told)
        return {**about, **times, **held, "subject": told["hs_meeting_title"], "statecode": state, "statuscode": status}

    def _task(self, number: int, told: dict[str, str]) -> dict[str, Value]:
        done = told["hs_task_status"] == "COMPLETED"
        at = parse_ms(told["hs_timestamp"])
        return {
            **self._activity("tasks", number, told),
            "subject": told["hs_task_subject"],
            "description": told["hs_task_body"],
            "scheduledend": at,
            "actualend": at if done else None,
            "statecode": 1 if done else 0,
            "statuscode": 5 if done else 2,
        }

    def _activity(self, kind: str, number: int, told: dict[str, str]) -> dict[str, Value]:
        """What all activities have: when, and whom they regard."""
        at = parse_ms(told["hs_timestamp"])
        return {
            "regardingobjectid": self._person(self._person_of(kind, number)),
            "actualstart": at,
            "actualend": at,
            "sortdate": at,
            "prioritycode": 1,
        }

    def _person_of(self, kind: str, number: int) -> int:
        ((id, _),) = self._people.links(kind, number, "contacts")
        person = self._people.number_of("contacts", id)
        assert person is not None  # it was just told
        return person

    def _party(self, id: str, record: int) -> Row:
        """Who took part in a call or an e-mail: our user on one side, the person on the other."""
        number, side = divmod(record, _PARTIES)
        calls = self._people.count("calls")
        kind, table, number = ("calls", "phonecall", number) if number < calls else ("emails", "email", number - calls)
        told = self._people.properties(kind, number)
        incoming = "INCOMING" in told.get("hs_email_direction", "") or told.get("hs_call_direction") == "INBOUND"
        owner = self._owner(told)
        us = owner if owner.table == "systemuser" else Ref("systemuser", APP_USER)
        person = self._person(self._person_of(kind, number))
        sides = (person, us) if incoming else (us, person)
        at = self._people.created_at(kind, number)
        values: dict[str, Value] = {
            "activityid": Ref(table, born_id(table, number)),
            "partyid": sides[side],
            "participationtypemask": side + 1,
        }
        return Row(id, 1000 + record, at, at, APP_USER, APP_USER, values)

    def _parties_of(self, id: str) -> Iterable[int]:
        call, email = number_in("phonecall", id), number_in("email", id)
        if call is not None:
            return range(_PARTIES * call, _PARTIES * (call + 1))
        if email is not None:
            first = _PARTIES * (self._people.count("calls") + email)
            return range(first, first + _PARTIES)
        return ()


def _person(told: dict[str, str]) -> dict[str, Value]:
    """What contacts and leads have alike."""
    names = [told[name] for name in ("firstname", "lastname") if name in told]
    return {
        "firstname": told.get("firstname"),
        "lastname": told.get("lastname"),
        "fullname": " ".join(names),
        "emailaddress1": told.get("email"),
        "jobtitle": told.get("jobtitle"),
        "telephone1": told.get("phone"),
        "address1_country": told.get("country"),
        "address1_city": told.get("city"),
        "websiteurl": told.get("website"),
        "donotbulkemail": told.get("hs_email_optout") == "true",
        "donotemail": False,
        "cx_lifecyclestage": words.STAGE.get(told.get("lifecyclestage", "")),
        "cx_leadstatus": words.STATUS.get(told.get("hs_lead_status", "")),
    }


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _money(name: str, text: str | None) -> dict[str, Value]:
    """An amount, the same in the organisation's currency, and the currency."""
    if text is None:
        return {}
    amount = Decimal(text)
    return {name: amount, f"{name}_base": amount, "transactioncurrencyid": Ref("transactioncurrency", CURRENCY)}


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
