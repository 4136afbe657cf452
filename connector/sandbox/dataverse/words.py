"""How the words of an invented person's HubSpot properties are said in Dataverse's columns."""

from __future__ import annotations

from connector.sandbox.dataverse.schema import Column, Option
from connector.sandbox.stock import LEAD_STATUSES, STAGES

#: Where this environment's own publisher begins to number options.
FIRST_OPTION = 710_000_000


def _options(labels: dict[str, str]) -> tuple[Option, ...]:
    return tuple(Option(FIRST_OPTION + place, label) for place, label in enumerate(labels.values()))


def _values(labels: dict[str, str]) -> dict[str, int]:
    return {name: FIRST_OPTION + place for place, name in enumerate(labels)}


#: The date columns that a flow of the website fills, by the lists of the HubSpot sandbox.
SEEN_ON = {
    "Visited pricing": "cx_pricing_page_on",
    "Visited careers": "cx_careers_page_on",
    "Attended webinar": "cx_webinar_attended_on",
    "Read case study": "cx_case_study_on",
    "Read comparison guide": "cx_comparison_guide_on",
    "Started trial": "cx_trial_start_on",
}
DEMO_ON, CLICK_ON, UNSUBSCRIBED_ON = "cx_demo_request_on", "cx_email_click_on", "cx_unsubscribe_on"
_DEAL_TYPES = {"newbusiness": "New Business", "existingbusiness": "Existing Business"}
#: Columns that the customer made before us, by table: for what HubSpot has by itself.
OWN_COLUMNS = {
    table: (
        Column("cx_LifecycleStage", "choice", options=_options(STAGES), custom=True),
        Column("cx_LeadStatus", "choice", options=_options(LEAD_STATUSES), custom=True),
        *(Column(name, "datetime", custom=True) for name in (*SEEN_ON.values(), DEMO_ON, CLICK_ON, UNSUBSCRIBED_ON)),
    )
    for table in ("contact", "lead")
} | {
    "opportunity": (
        Column("cx_DealType", "choice", options=_options(_DEAL_TYPES), custom=True),
        Column("cx_LostReason", "string", length=100, custom=True),
    )
}

STAGE, STATUS, DEAL_TYPE = _values(STAGES), _values(LEAD_STATUSES), _values(_DEAL_TYPES)

#: The nearest of the 33 stock industries, each used once.
INDUSTRY = {
    "COMPUTER_SOFTWARE": 6,
    "LOGISTICS_AND_SUPPLY_CHAIN": 30,
    "MACHINERY": 12,
    "FOOD_PRODUCTION": 17,
    "HOSPITAL_HEALTH_CARE": 11,
    "UTILITIES": 31,
    "FINANCIAL_SERVICES": 16,
    "RETAIL": 25,
    "STAFFING_AND_RECRUITING": 7,
    "INDUSTRIAL_AUTOMATION": 18,
    "PHARMACEUTICALS": 22,
    "TELECOMMUNICATIONS": 3,
}
LEAD_SOURCE = {"EMAIL_MARKETING": 10, "REFERRALS": 3, "OFFLINE": 7}  # everything else is the web
WEB = 8
#: Sales stage, state and status of a deal stage.
DEAL_STAGE = {
    "appointmentscheduled": (0, 0, 1),
    "qualifiedtobuy": (0, 0, 1),
    "presentationscheduled": (1, 0, 1),
    "decisionmakerboughtin": (1, 0, 1),
    "contractsent": (2, 0, 1),
    "closedwon": (3, 1, 3),
    "closedlost": (3, 2, 5),
}
#: State and status of a lead by the status of the person; every other one is new.
LEAD_STATE = {
    "UNQUALIFIED": (2, 6),
    "ATTEMPTED_TO_CONTACT": (0, 2),
    "CONNECTED": (0, 2),
    "IN_PROGRESS": (0, 2),
    "OPEN_DEAL": (1, 3),
}
#: State and status of an appointment by the outcome of a meeting.
MEETING = {
    "COMPLETED": (1, 3),
    "NO_SHOW": (2, 4),
    "CANCELED": (2, 4),
    "SCHEDULED": (3, 5),
    "RESCHEDULED": (0, 2),
}
