"""
Realistic B2B people, their companies, deals and activities, told from a seed.

Record n is computed whenever somebody looks at it: one hash of (seed, kind, n) gives 64 bytes of chance, each used
for one choice. Who belongs to whom is arithmetic (`Spread`), so links work both ways without being stored. Dates
hang on `now`, the instant the world was made; nothing is newer than an hour before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from connector.sandbox import words
from connector.sandbox.clock import DAY_MS, iso
from connector.sandbox.records import Version

HOUR_MS = 3_600_000
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

_STAGES = (
    *[("subscriber", "")] * 58,
    *[("lead", "")] * 74,
    *[("lead", "NEW")] * 40,
    *[("marketingqualifiedlead", "")] * 16,
    *[("marketingqualifiedlead", "OPEN")] * 14,
    *[("salesqualifiedlead", "IN_PROGRESS")] * 12,
    *[("salesqualifiedlead", "CONNECTED")] * 6,
    *[("opportunity", "OPEN_DEAL")] * 12,
    *[("customer", "")] * 14,
    *[("lead", "UNQUALIFIED")] * 4,
    *[("lead", "BAD_TIMING")] * 2,
    *[("other", "")] * 2,
    *[("", "")] * 2,
)  # 256 of them, one per byte
_DEAL_STAGES = (
    *("appointmentscheduled", "qualifiedtobuy", "presentationscheduled", "decisionmakerboughtin"),
    *("contractsent", "closedwon", "closedwon", "closedlost", "closedlost"),
)
_DISPOSITIONS = (
    *("f240bbac-87c9-4f6e-bf70-924b57d47db7", "a4c4c377-d246-4b32-a13b-75a56a4cd0ff"),
    *("b2cf5968-551e-4856-9783-52b3da59a7d0", "73a0d17f-1163-4015-bdd5-ec830791da20"),
    *("73a0d17f-1163-4015-bdd5-ec830791da20", "9d9162e7-6cf3-4944-bf63-4dff82258764", ""),
)
_SOURCES = (
    *("ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS"),
    *("DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL"),
)
_OWNERS = ("501", "502", "503", "504", "506")  # the last one has left the company


@dataclass(frozen=True, slots=True)
class Spread:
    """Things hung on people evenly: `each` of them on every `every`-th person, starting with person `first`."""

    each: int
    every: int
    first: int = 0

    def person_of(self, thing: int) -> int:
        return thing // self.each * self.every + self.first

    def of_person(self, person: int) -> range:
        turn, rest = divmod(person - self.first, self.every)
        return range(0) if rest or turn < 0 else range(turn * self.each, (turn + 1) * self.each)

    def count(self, people: int) -> int:
        return max(0, -(-(people - self.first) // self.every)) * self.each


DEALS = Spread(each=1, every=4, first=1)
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
        self._hash = {kind: blake2b(b"%d:%s:" % (seed, kind.encode())) for kind in _BORN}
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
            self._last_born = (kind, number, _BORN[kind](self, number, self._chance(kind, number)))
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
            return ((self.id_of(to, self._company_of(person)), True),)
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

    def _ago(self, chance: bytes, place: int, days: int) -> str:
        return iso(self._now - HOUR_MS - int(days * DAY_MS * share(chance, place)))

    def _company_of(self, person: int) -> int:
        return person % self._companies

    def _of_contact(self, number: int, to: str) -> Iterable[tuple[str, bool]]:
        if to == "companies":
            return ((self.id_of(to, self._company_of(number)), True),)
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

    def _contact(self, number: int, chance: bytes) -> dict[str, str]:
        company = self._company_of(number)
        name, domain, kind = _company_names(company)
        first = (company * 7 + number // self._companies) % len(words.FIRST_NAMES)
        last = chance[8] * 256 + chance[9]
        last %= len(words.LAST_NAMES)
        free = chance[10] < 30
        at = f"{number}@{words.FREE_MAIL[chance[11] % len(words.FREE_MAIL)]}" if free else f"@{domain}"
        country, city = words.PLACES[(company * 5 + chance[12] % 2) % len(words.PLACES)]
        stage, status = _STAGES[chance[13]]
        values = {
            "email": f"{words.PLAIN_FIRST[first]}.{words.PLAIN_LAST[last]}{at}",
            "firstname": words.FIRST_NAMES[first],
            "lastname": words.LAST_NAMES[last],
            "jobtitle": _job_title(chance),
            "company": name,
            "phone": f"+00 {chance[17]:03} {chance[18] * 256 + chance[19]:05}",
            "country": country,
            "city": city,
            "website": f"https://www.{domain}",
            "industry": kind,
            "lifecyclestage": stage,
            "hs_lead_status": status,
            "hubspot_owner_id": _OWNERS[chance[20] % len(_OWNERS)] if chance[21] < 140 or status else "",
        }
        return _soiled(values | self._engagement(chance), chance)

    def _engagement(self, chance: bytes) -> dict[str, str]:
        """What HubSpot itself counts and dates about a contact."""
        pages, opens = chance[14] * chance[15] // 1600, chance[16] // 12
        values = {
            "hs_analytics_source": _SOURCES[chance[22] % len(_SOURCES)],
            "hs_analytics_num_page_views": str(pages),
            "hs_analytics_num_visits": str(-(-pages // 3)),
            "hs_email_delivered": str(opens + chance[23] // 16),
            "hs_email_open": str(opens),
            "hs_email_click": str(opens // 3),
            "num_conversion_events": str(chance[24] // 64),
            "hs_email_optout": "true" if chance[25] < 10 else "",
            "hs_marketable_status": "true" if chance[26] < 220 else "false",
        }
        if pages:
            values["hs_analytics_last_visit_timestamp"] = self._ago(chance, 28, 90)
        if opens:
            values["hs_email_last_open_date"] = self._ago(chance, 30, 120)
        if opens >= 3:
            values["hs_email_last_click_date"] = self._ago(chance, 32, 120)
        if chance[24] >= 64:
            values["recent_conversion_date"] = self._ago(chance, 34, 90)
            values["recent_conversion_event_name"] = "Newsletter: sign-up"
        if chance[36] < 60:
            values["notes_last_contacted"] = self._ago(chance, 37, 60)
            values["num_contacted_notes"] = str(1 + chance[36] % 5)
        return values

    def _company(self, number: int, chance: bytes) -> dict[str, str]:
        name, domain, kind = _company_names(number)
        country, city = words.PLACES[number * 5 % len(words.PLACES)]
        staff = int(2 ** (2 + chance[8] / 24))
        values = {
            "name": name,
            "domain": domain,
            "website": f"https://www.{domain}",
            "industry": kind,
            "country": country,
            "city": city,
            "numberofemployees": str(staff),
            "annualrevenue": str(staff * (60 + chance[9]) * 1000),
            "hubspot_owner_id": _OWNERS[chance[10] % 4],
            "type": "PROSPECT",
        }
        if chance[11] < 20:
            values.pop("industry")
        if chance[12] < 20:
            values.pop("numberofemployees")
        return values

    def _deal(self, number: int, chance: bytes) -> dict[str, str]:
        person = DEALS.person_of(number)
        stage = _DEAL_STAGES[chance[8] % len(_DEAL_STAGES)]
        product = words.PRODUCTS[chance[9] % len(words.PRODUCTS)]
        values = {
            "dealname": f"{_company_names(self._company_of(person))[0]}: {product}",
            "pipeline": "default",
            "dealstage": stage,
            "amount": str((1 + chance[10]) * 500),
            "closedate": self._ago(chance, 11, 90),
            "dealtype": "existingbusiness" if product in ("Maintenance", "Expansion") else "newbusiness",
            "hubspot_owner_id": _OWNERS[chance[13] % 4],
        }
        if stage == "closedlost":
            values["closed_lost_reason"] = ("price", "no budget", "chose another", "no decision")[chance[14] % 4]
        return values

    def _call(self, number: int, chance: bytes) -> dict[str, str]:
        disposition = _DISPOSITIONS[chance[8] % len(_DISPOSITIONS)]
        connected = disposition == _DISPOSITIONS[0]
        return _filled(
            hs_timestamp=self._ago(chance, 9, 40),
            hs_call_title=words.CALL_TITLES[chance[11] % len(words.CALL_TITLES)],
            hs_call_direction="INBOUND" if chance[12] < 30 else "OUTBOUND",
            hs_call_disposition=disposition,
            hs_call_status="COMPLETED" if connected else "NO_ANSWER",
            hs_call_duration=str(1000 * (60 + chance[13] * 3 if connected else chance[13] % 20)),
            hubspot_owner_id=_OWNERS[chance[14] % 4],
        )

    def _email(self, number: int, chance: bytes) -> dict[str, str]:
        return _filled(
            hs_timestamp=self._ago(chance, 9, 40),
            hs_email_subject=words.EMAIL_SUBJECTS[chance[11] % len(words.EMAIL_SUBJECTS)],
            hs_email_direction="INCOMING_EMAIL" if chance[12] < 60 else "EMAIL",
            hs_email_status="BOUNCED" if chance[13] < 8 else "SENT",
            hubspot_owner_id=_OWNERS[chance[14] % 4],
        )

    def _meeting(self, number: int, chance: bytes) -> dict[str, str]:
        start = self._now - int(30 * DAY_MS * share(chance, 9))
        outcomes = ("COMPLETED", "COMPLETED", "NO_SHOW", "SCHEDULED", "CANCELED", "RESCHEDULED")
        return _filled(
            hs_timestamp=iso(start),
            hs_meeting_title="Discovery meeting",
            hs_meeting_start_time=iso(start),
            hs_meeting_end_time=iso(start + HOUR_MS // 2),
            hs_meeting_outcome=outcomes[chance[11] % len(outcomes)],
            hubspot_owner_id=_OWNERS[chance[14] % 4],
        )

    def _task(self, number: int, chance: bytes) -> dict[str, str]:
        return _filled(
            hs_timestamp=self._ago(chance, 9, 20),
            hs_task_subject="Follow up",
            hs_task_body="Noted by hand.",
            hs_task_status="COMPLETED" if chance[11] < 160 else "NOT_STARTED",
            hs_task_priority="MEDIUM",
            hs_task_type="TODO",
            hubspot_owner_id=_OWNERS[chance[14] % 4],
        )


#: How a record of each kind is born.
_BORN: dict[str, Callable[[GeneratedPeople, int, bytes], dict[str, str]]] = {
    "contacts": GeneratedPeople._contact,
    "companies": GeneratedPeople._company,
    "deals": GeneratedPeople._deal,
    "calls": GeneratedPeople._call,
    "emails": GeneratedPeople._email,
    "meetings": GeneratedPeople._meeting,
    "tasks": GeneratedPeople._task,
}


def share(chance: bytes, place: int) -> float:
    """Two bytes of chance as a number from 0 up to 1."""
    return (chance[place] * 256 + chance[place + 1]) / 65536


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _company_names(number: int) -> tuple[str, str, str]:
    """Name, domain and industry of company n; walking the word lists in large steps makes neighbours differ."""
    nouns, kinds = len(words.COMPANY_NOUNS), len(words.COMPANY_KINDS)
    total = len(words.COMPANY_ADJECTIVES) * nouns * kinds
    again, place = divmod(number, total)
    place = place * 7919 % total
    adjective = words.COMPANY_ADJECTIVES[place // (nouns * kinds)]
    noun = words.COMPANY_NOUNS[place // kinds % nouns]
    kind = words.COMPANY_KINDS[place % kinds]
    tail = str(again + 1) if again else ""
    name = f"{adjective} {noun} {kind}" + (f" {tail}" if tail else "")
    domain = f"{adjective}{noun}-{kind}{tail}.example".lower()
    return name, domain, words.INDUSTRY_OF_KIND[place % kinds]


def _job_title(chance: bytes) -> str:
    if chance[6] < 16:
        return words.ODD_JOB_TITLES[chance[7] % len(words.ODD_JOB_TITLES)]
    return words.JOB_TITLES[chance[7] % len(words.JOB_TITLES)]


def _soiled(values: dict[str, str], chance: bytes) -> dict[str, str]:
    """The dirt of a real account: blanks, shouting, addresses that were typed in a hurry."""
    dirt = chance[27]
    if dirt < 8:
        values["jobtitle"] = ""
    elif dirt < 14:
        values["firstname"] = values["firstname"].upper()
        values["lastname"] = values["lastname"].lower()
    elif dirt < 18:
        values["email"] = values["email"].title()
    elif dirt < 22:
        values["country"] = values["country"].upper()
    elif dirt < 25:
        values["email"] = ""
    elif dirt < 30:
        values["company"] = values["city"] = ""
    return {name: value for name, value in values.items() if value}
