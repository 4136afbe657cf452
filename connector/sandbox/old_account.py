"""
An account with nine years behind it that was never connected to anything of ours: `old_account(20_000, seed=7)`.

The people are those of `GeneratedPeople`; their stages, statuses, owners, dates, deals and interest come from their
`Life`. Nothing is kept per person unless somebody writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b

from connector.sandbox import stock
from connector.sandbox.clock import DAY_MS, Clock, iso
from connector.sandbox.generate import DEMO_FORM, FIRST_ID, ID_STEP, LISTS, UNSUBSCRIBED, GeneratedPeople
from connector.sandbox.lives import (
    CHURNED,
    CUSTOM_STAGES,
    CUSTOM_STATUSES,
    MQL,
    MQL_TO_NEW,
    OLDEST_DAYS,
    OPEN_TO_MQL,
    PARTNER,
    STAMP_STATUS,
    Life,
    lived,
)
from connector.sandbox.records import Version
from connector.sandbox.schema import KINDS, Definition, Option, Owner
from connector.sandbox.spread import DEALS, HOUR_MS, Spread, share
from connector.sandbox.workflows import Workflow
from connector.sandbox.world import Account, World

#: Demo requests, by people who have no calls, e-mails or meetings otherwise: what answers them is what stands here.
DEMOS = Spread(each=1, every=30, first=5)
ANSWERS = {"calls": Spread(each=1, every=120, first=5), "emails": Spread(each=1, every=120, first=35)}

#: People whose lives are kept at hand; of more, those asked for longest ago are worked out again.
REMEMBERED = 32_768

STATUS_STAMP = Definition("ops_status_stamp", label="Operations: lead status stamp", stock=False)
FORMER = (
    Owner("507", "ana.brzezinska@company.example", "Ana", "Brzezińska", 7007, archived=True),
    Owner("508", "jonas.vidal@company.example", "Jonas", "Vidal", 7008, archived=True),
)
#: As LISTS, with more trials: a recent one lifts leads over the shipped threshold that nobody has looked at.
_LISTS = LISTS | {"Started trial": (11, 4), UNSUBSCRIBED: (41, 3)}
_OPEN_STAGES = ("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin")
_LOST_REASONS = ("price", "no budget", "chose another", "no decision")
_WON = ("customer", "evangelist", PARTNER, CHURNED)
#: Dates that HubSpot keeps about a contact, each with its place in the life's chance.
_HEARD = {
    "hs_analytics_last_visit_timestamp": 24,
    "hs_email_last_open_date": 26,
    "hs_email_last_click_date": 28,
    "recent_conversion_date": 30,
    "notes_last_contacted": 32,
}
_LIST_PLACE, _DEMO_PLACE, _DEAL_PLACE, _ANSWER_PLACE = 34, 56, 58, 60


def old_account(people: int = 20_000, seed: int = 7, *, activities: bool = True, now: datetime | None = None) -> World:
    """A world of nine years; the same seed and `now` give the same one."""
    clock = Clock(now)
    population = OldAccount(people, seed=seed, now=clock.now(), activities=activities)
    account = Account(account_type="STANDARD")
    world = World(population, clock=clock, account=account, owners=(*stock.OWNERS, *FORMER))
    _define(world.definitions["contacts"])
    for workflow in _workflows():
        world.add_workflow(workflow)
    return world


class OldAccount:
    """A population of `people` contacts who have been here for up to nine years."""

    def __init__(self, people: int, *, seed: int, now: int, activities: bool = True) -> None:
        self.people = people
        self._now = now
        self._base = GeneratedPeople(people, seed=seed, now=now, activities=activities)
        self._answers = ANSWERS if activities else {}
        others = {kind: self._base.count(kind) for kind in KINDS}
        self._first_answer = {kind: others[kind] for kind in self._answers}
        self._counts = others | {kind: others[kind] + one.count(people) for kind, one in self._answers.items()}
        self._hash = {kind: blake2b(b"%d:lives:%s:" % (seed, kind.encode())) for kind in KINDS}
        # Lives cost more to work out than people, and an account is read many times over.
        self._life = lru_cache(maxsize=REMEMBERED)(self._lived)
        self._person = lru_cache(maxsize=REMEMBERED)(self._contact)

    # -- which records there are -------------------------------------------------------------------------

    def count(self, kind: str) -> int:
        return self._counts[kind]

    def id_of(self, kind: str, number: int) -> str:
        return self._base.id_of(kind, number)

    def number_of(self, kind: str, id: str) -> int | None:
        number, rest = divmod(int(id) - FIRST_ID, ID_STEP)
        return number if rest == 0 and 0 <= number < self._counts[kind] else None

    def first_from(self, kind: str, id: int) -> int:
        return self._base.first_from(kind, id)

    # -- what they hold ----------------------------------------------------------------------------------

    def properties(self, kind: str, number: int) -> dict[str, str]:
        if kind == "contacts":
            return dict(self._person(number))
        values = self._base.properties(kind, number)
        if kind == "deals":
            return self._deal(number, values)
        return values if kind == "companies" else self._activity(kind, number, values)

    def created_at(self, kind: str, number: int) -> int:
        if kind == "contacts":
            return self._life(number).created
        if kind == "companies":
            return self._now - HOUR_MS - int(OLDEST_DAYS * DAY_MS * share(self._chance(kind, number), 0))
        return self._opened_at(number) if kind == "deals" else self._happened_at(kind, number)

    def modified_at(self, kind: str, number: int) -> int:
        if kind == "contacts":
            return self._life(number).modified
        if kind == "deals":
            return self._life(DEALS.person_of(number)).settled
        return self.created_at(kind, number)

    def history(self, kind: str, number: int, name: str) -> Sequence[Version]:
        if kind == "contacts" and name == "lifecyclestage":
            return self._life(number).stages[::-1]
        if kind == "contacts" and name == "hs_lead_status":
            return self._life(number).statuses[::-1]
        return ()

    def links(self, kind: str, number: int, to: str) -> Iterable[tuple[str, bool]]:
        if self._is_answer(kind, number):
            return ((self.id_of(to, self._person_of(kind, number)), False),) if to == "contacts" else ()
        found = self._base.links(kind, number, to)
        if kind == "contacts" and to in self._answers:
            answers = self._answers[to].of_person(number)
            return [*found, *((self.id_of(to, self._first_answer[to] + one), False) for one in answers)]
        return found

    def members(self) -> Mapping[str, Mapping[str, int]]:
        return {name: dict(self._members_of(place, *_LISTS[name])) for place, name in enumerate(_LISTS)}

    def submissions(self) -> Mapping[str, Iterable[tuple[int, Mapping[str, str]]]]:
        return {DEMO_FORM: [self._submission(DEMOS.person_of(n)) for n in range(DEMOS.count(self.people))]}

    # -- within ------------------------------------------------------------------------------------------

    def _lived(self, person: int) -> Life:
        deals = DEALS.of_person(person)
        deal_id = self.id_of("deals", deals[0]) if deals else None
        return lived(self._chance("contacts", person), self._now, deal_id)

    def _chance(self, kind: str, number: int) -> bytes:
        digest = self._hash[kind].copy()
        digest.update(b"%d" % number)
        return digest.digest()

    def _contact(self, number: int) -> dict[str, str]:
        """The generated person with the stage, status, owner and dates of this life."""
        life, values = self._life(number), self._base.properties("contacts", number)
        for name, place in _HEARD.items():
            if name in values:
                values[name] = iso(life.moment(life.chance, place))
        optout = "true" if _is_on(UNSUBSCRIBED, number) else ""
        _put(
            values,
            lifecyclestage=life.stage,
            hs_lead_status=life.status,
            hubspot_owner_id=life.owner,
            hs_email_optout=optout,
        )
        if DEMOS.of_person(number):
            values["recent_conversion_date"] = iso(self._asked_at(life))
            values["recent_conversion_event_name"] = "Demo request"
        values.update(life.stage_dates())
        return values

    def _deal(self, number: int, values: dict[str, str]) -> dict[str, str]:
        """Won by those who became customers; open with three of five opportunities, lost with everybody else."""
        life = self._life(DEALS.person_of(number))
        chance = life.chance[_DEAL_PLACE]
        closed = life.settled
        values.pop("closed_lost_reason", None)
        if life.stage in _WON:
            values["dealstage"] = "closedwon"
        elif life.stage == "opportunity" and chance < 154:
            values["dealstage"] = _OPEN_STAGES[chance % len(_OPEN_STAGES)]
            closed += (30 + chance) * DAY_MS  # as hoped; most of these days have passed
        else:
            values["dealstage"] = "closedlost"
            values["closed_lost_reason"] = _LOST_REASONS[chance % len(_LOST_REASONS)]
        values["closedate"] = iso(closed)
        _put(values, hubspot_owner_id=life.owner)
        return values

    def _opened_at(self, deal: int) -> int:
        """When the deal made its person an opportunity, or some weeks before it came to an end."""
        life = self._life(DEALS.person_of(deal))
        became = (one.at for one in life.stages if one.value == "opportunity")
        weeks_before = life.settled - int(90 * DAY_MS * share(life.chance, _DEAL_PLACE))
        return next(became, max(life.created, weeks_before))

    def _activity(self, kind: str, number: int, values: dict[str, str]) -> dict[str, str]:
        at = self._happened_at(kind, number)
        values["hs_timestamp"] = iso(at)
        if kind == "meetings":
            values["hs_meeting_start_time"], values["hs_meeting_end_time"] = iso(at), iso(at + HOUR_MS // 2)
        if self._is_answer(kind, number):
            values |= _OUTBOUND[kind]
            values["hubspot_owner_id"] = self._life(self._person_of(kind, number)).owner or "505"
        return values

    def _happened_at(self, kind: str, number: int) -> int:
        life = self._life(self._person_of(kind, number))
        if self._is_answer(kind, number):
            return self._answered_at(life)
        return life.moment(self._chance(kind, number), 0)

    def _is_answer(self, kind: str, number: int) -> bool:
        """Whether an activity answers a demo request; those come after all others of their kind."""
        return kind in self._answers and number >= self._first_answer[kind]

    def _person_of(self, kind: str, number: int) -> int:
        if self._is_answer(kind, number):
            return self._answers[kind].person_of(number - self._first_answer[kind])
        contact_id, _ = next(iter(self._base.links(kind, number, "contacts")))
        return (int(contact_id) - FIRST_ID) // ID_STEP

    def _members_of(self, place: int, every: int, first: int) -> Iterable[tuple[str, int]]:
        for person in range(first, self.people, every):
            life = self._life(person)
            yield self.id_of("contacts", person), life.moment(life.chance, _LIST_PLACE + 3 * place)

    def _submission(self, person: int) -> tuple[int, Mapping[str, str]]:
        values = self.properties("contacts", person)
        given = {name: values[name] for name in ("email", "firstname", "company") if name in values}
        return self._asked_at(self._life(person)), given | {"message": "Please show us how it works."}

    @staticmethod
    def _asked_at(life: Life) -> int:
        return life.moment(life.chance, _DEMO_PLACE)

    def _answered_at(self, life: Life) -> int:
        """Within three days of the request, at the latest a moment ago."""
        asked = self._asked_at(life)
        return asked + int(min(3 * DAY_MS, self._now - asked) * (0.05 + 0.9 * share(life.chance, _ANSWER_PLACE)))


#: What makes an activity a rep's answer.
_OUTBOUND = {
    "calls": {"hs_call_direction": "OUTBOUND", "hs_call_title": "Demo request: call back"},
    "emails": {"hs_email_direction": "EMAIL", "hs_email_status": "SENT", "hs_email_subject": "Your demo"},
}


def _put(values: dict[str, str], **told: str) -> None:
    """Set what is told; a blank is a property that is not there."""
    for name, value in told.items():
        if value:
            values[name] = value
        else:
            values.pop(name, None)


def _is_on(name: str, person: int) -> bool:
    every, first = _LISTS[name]
    return person >= first and (person - first) % every == 0


def _define(contacts: dict[str, Definition]) -> None:
    """What the account added over the years: stages with their dates, lead statuses, a property of its own."""
    for name, added in (("lifecyclestage", CUSTOM_STAGES), ("hs_lead_status", CUSTOM_STATUSES)):
        options = tuple(Option(*pair) for pair in added.items())
        contacts[name] = replace(contacts[name], options=(*contacts[name].options, *options))
    for stage in (*stock.STAGES, *CUSTOM_STAGES):
        for name in (f"hs_lifecyclestage_{stage}_date", f"hs_v2_date_entered_{stage}"):
            contacts.setdefault(name, Definition(name, "datetime", "date", read_only=True, calculated=True))
    contacts[STATUS_STAMP.name] = STATUS_STAMP


def _workflows() -> tuple[Workflow, ...]:
    stage, status = "lifecyclestage", "hs_lead_status"
    return (
        Workflow(MQL_TO_NEW, "New MQL: tell sales", stage, MQL, status, "NEW"),
        Workflow(STAMP_STATUS, "Stamp every change of lead status", status, None, STATUS_STAMP.name, "changed"),
        Workflow(OPEN_TO_MQL, "Campaign 2021: open leads become MQL", status, "OPEN", stage, MQL, enabled=False),
    )
