"""Invented records as Dataverse tells them: each property in the column and the words that are its own there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from connector.sandbox.clock import iso_date, parse_ms
from connector.sandbox.dataverse import words
from connector.sandbox.dataverse.known import APP_USER, CURRENCY, TEAM, owner_id
from connector.sandbox.dataverse.rows import Row, Value
from connector.sandbox.dataverse.schema import Ref
from connector.sandbox.dataverse.spreading import born_id
from connector.sandbox.generate import GeneratedPeople
from connector.sandbox.spread import DEALS

BLOCK = 20
#: Two people take part in each call and e-mail.
PARTIES = 2
#: Of every twenty people, the one whose lead was qualified.
QUALIFIED = (13,)
_FREE_OWNER = Ref("team", TEAM)


class Translation:
    """Records of the HubSpot sandbox as rows; `alone` are the places in each block of those who are only a lead."""

    def __init__(self, people: GeneratedPeople, alone: frozenset[int]) -> None:
        self._people, self._alone = people, alone
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

    def values(self, table: str, record: int, told: dict[str, str]) -> dict[str, Value]:
        """The columns of a row, by the properties of the record that it is."""
        values = {**self._tell[table](record, told), "ownerid": self.owner(told)}
        return {name: value for name, value in values.items() if value is not None}

    def person(self, person: int) -> Ref:
        """The row that a person is: a lead alone, or a contact."""
        table = "lead" if person % BLOCK in self._alone else "contact"
        return Ref(table, born_id(table, person))

    def _company(self, person: int) -> Ref:
        return Ref("account", born_id("account", person % max(1, self._people.count("companies"))))

    def owner(self, told: dict[str, str]) -> Ref:
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
            "regardingobjectid": self.person(self._person_of(kind, number)),
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

    def party(self, id: str, record: int) -> Row:
        """Who took part in a call or an e-mail: our user on one side, the person on the other."""
        number, side = divmod(record, PARTIES)
        calls = self._people.count("calls")
        kind, table, number = ("calls", "phonecall", number) if number < calls else ("emails", "email", number - calls)
        told = self._people.properties(kind, number)
        incoming = "INCOMING" in told.get("hs_email_direction", "") or told.get("hs_call_direction") == "INBOUND"
        owner = self.owner(told)
        us = owner if owner.table == "systemuser" else Ref("systemuser", APP_USER)
        person = self.person(self._person_of(kind, number))
        sides = (person, us) if incoming else (us, person)
        at = self._people.created_at(kind, number)
        values: dict[str, Value] = {
            "activityid": Ref(table, born_id(table, number)),
            "partyid": sides[side],
            "participationtypemask": side + 1,
        }
        return Row(id, 1000 + record, at, at, APP_USER, APP_USER, values)


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
