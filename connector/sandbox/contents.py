"""What invented records hold: of record n of a kind, out of its 64 bytes of chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from connector.sandbox import words
from connector.sandbox.clock import DAY_MS, iso
from connector.sandbox.spread import DEALS, HOUR_MS, share

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


class Contents:
    """Properties of the records of a population with so many companies, made at the instant `now`."""

    def __init__(self, companies: int, now: int) -> None:
        self._companies, self._now = companies, now

    def of(self, kind: str, number: int, chance: bytes) -> dict[str, str]:
        """As the record was born."""
        return _BORN[kind](self, number, chance)

    def company_of(self, person: int) -> int:
        """The number of the company that person n works for."""
        return person % self._companies

    def _ago(self, chance: bytes, place: int, days: int) -> str:
        return iso(self._now - HOUR_MS - int(days * DAY_MS * share(chance, place)))

    def _contact(self, number: int, chance: bytes) -> dict[str, str]:
        company = self.company_of(number)
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
            "dealname": f"{_company_names(self.company_of(person))[0]}: {product}",
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
_BORN: Mapping[str, Callable[[Contents, int, bytes], dict[str, str]]] = {
    "contacts": Contents._contact,
    "companies": Contents._company,
    "deals": Contents._deal,
    "calls": Contents._call,
    "emails": Contents._email,
    "meetings": Contents._meeting,
    "tasks": Contents._task,
}

#: The kinds there are.
KINDS = tuple(_BORN)


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
