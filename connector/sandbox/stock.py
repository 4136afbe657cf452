"""
What a fresh HubSpot account has before anybody configured it: properties, options, one pipeline, association numbers.

The facts are those of reference/hubspot-api.md sections 5 to 8. Only what a scoring connector could touch is listed.
"""

from __future__ import annotations

from connector.sandbox.schema import (
    ACTIVITIES,
    CREATED,
    KINDS,
    MODIFIED,
    SINGULAR,
    DealStage,
    Definition,
    LinkType,
    Option,
    Owner,
    Pipeline,
    Team,
)

STAGES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing Qualified Lead",
    "salesqualifiedlead": "Sales Qualified Lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
LEAD_STATUSES = {
    "NEW": "New",
    "OPEN": "Open",
    "IN_PROGRESS": "In Progress",
    "OPEN_DEAL": "Open Deal",
    "UNQUALIFIED": "Unqualified",
    "ATTEMPTED_TO_CONTACT": "Attempted to Contact",
    "CONNECTED": "Connected",
    "BAD_TIMING": "Bad Timing",
}
BUYING_ROLES = {
    "BLOCKER": "Blocker",
    "BUDGET_HOLDER": "Budget Holder",
    "CHAMPION": "Champion",
    "DECISION_MAKER": "Decision Maker",
    "END_USER": "End User",
    "EXECUTIVE_SPONSOR": "Executive Sponsor",
    "INFLUENCER": "Influencer",
    "LEGAL_AND_COMPLIANCE": "Legal & Compliance",
    "OTHER": "Other",
}
SOURCES = {
    "ORGANIC_SEARCH": "Organic Search",
    "PAID_SEARCH": "Paid Search",
    "EMAIL_MARKETING": "Email Marketing",
    "SOCIAL_MEDIA": "Organic Social",
    "REFERRALS": "Referrals",
    "OTHER_CAMPAIGNS": "Other Campaigns",
    "DIRECT_TRAFFIC": "Direct Traffic",
    "OFFLINE": "Offline Sources",
    "PAID_SOCIAL": "Paid Social",
}
INDUSTRIES = {
    "AUTOMOTIVE": "Automotive",
    "CHEMICALS": "Chemicals",
    "COMPUTER_SOFTWARE": "Computer Software",
    "CONSTRUCTION": "Construction",
    "EDUCATION_MANAGEMENT": "Education Management",
    "FINANCIAL_SERVICES": "Financial Services",
    "FOOD_PRODUCTION": "Food Production",
    "HEALTH_WELLNESS_AND_FITNESS": "Health, Wellness and Fitness",
    "HOSPITAL_HEALTH_CARE": "Hospital & Health Care",
    "INDUSTRIAL_AUTOMATION": "Industrial Automation",
    "INFORMATION_TECHNOLOGY_AND_SERVICES": "Information Technology and Services",
    "INSURANCE": "Insurance",
    "INTERNET": "Internet",
    "LOGISTICS_AND_SUPPLY_CHAIN": "Logistics and Supply Chain",
    "MACHINERY": "Machinery",
    "MARKETING_AND_ADVERTISING": "Marketing and Advertising",
    "MECHANICAL_OR_INDUSTRIAL_ENGINEERING": "Mechanical or Industrial Engineering",
    "PHARMACEUTICALS": "Pharmaceuticals",
    "RETAIL": "Retail",
    "STAFFING_AND_RECRUITING": "Staffing and Recruiting",
    "TELECOMMUNICATIONS": "Telecommunications",
    "TRANSPORTATION_TRUCKING_RAILROAD": "Transportation/Trucking/Railroad",
    "UTILITIES": "Utilities",
}
DISPOSITIONS = {
    "f240bbac-87c9-4f6e-bf70-924b57d47db7": "Connected",
    "a4c4c377-d246-4b32-a13b-75a56a4cd0ff": "Left live message",
    "b2cf5968-551e-4856-9783-52b3da59a7d0": "Left voicemail",
    "73a0d17f-1163-4015-bdd5-ec830791da20": "No answer",
    "9d9162e7-6cf3-4944-bf63-4dff82258764": "Busy",
    "17b47fee-58de-441e-a44c-c6300d46f273": "Wrong number",
}
SALES_PIPELINE = Pipeline(
    "default",
    "Sales Pipeline",
    (
        DealStage("appointmentscheduled", "Appointment Scheduled", "0.2"),
        DealStage("qualifiedtobuy", "Qualified To Buy", "0.4"),
        DealStage("presentationscheduled", "Presentation Scheduled", "0.6"),
        DealStage("decisionmakerboughtin", "Decision Maker Bought-In", "0.8"),
        DealStage("contractsent", "Contract Sent", "0.9"),
        DealStage("closedwon", "Closed Won", "1.0"),
        DealStage("closedlost", "Closed Lost", "0.0"),
    ),
)


_NORTH, _SOUTH, _DESK = Team("61", "Sales North"), Team("62", "Sales South"), Team("63", "Inside Sales")
_ALSO_DESK = Team("63", "Inside Sales", primary=False)
OWNERS = (
    Owner("501", "ines.falk@company.example", "Ines", "Falk", 7001, teams=(_NORTH,)),
    Owner("502", "tomek.brandt@company.example", "Tomek", "Brandt", 7002, teams=(_NORTH, _ALSO_DESK)),
    Owner("503", "dewi.larasati@company.example", "Dewi", "Larasati", 7003, teams=(_SOUTH,)),
    Owner("504", "owen.pryce@company.example", "Owen", "Pryce", 7004, teams=(_SOUTH,)),
    Owner("505", "sdr.queue@company.example", "SDR", "Queue", 7005, teams=(_DESK,)),
    Owner("506", "klara.voss@company.example", "Klara", "Voss", 7006, archived=True),
)


def _same(*names: str) -> dict[str, str]:
    return {name: name.replace("_", " ").capitalize() for name in names}


def _text(*names: str) -> list[Definition]:
    return [Definition(name) for name in names]


def _number(*names: str) -> list[Definition]:
    return [Definition(name, "number", "number") for name in names]


def _instant(*names: str) -> list[Definition]:
    return [Definition(name, "datetime", "date") for name in names]


def _flag(*names: str) -> list[Definition]:
    choices = (Option("true", "Yes"), Option("false", "No"))
    return [Definition(name, "bool", "booleancheckbox", options=choices) for name in names]


def _choice(name: str, options: dict[str, str], *, field_type: str = "select") -> Definition:
    return Definition(name, "enumeration", field_type, options=tuple(Option(*pair) for pair in options.items()))


def _told_by_hubspot(definitions: list[Definition]) -> list[Definition]:
    """The same properties, calculated and closed to writing."""
    return [
        Definition(one.name, one.type, one.field_type, options=one.options, read_only=True, calculated=True)
        for one in definitions
    ]


def _contacts() -> list[Definition]:
    return [
        *_text("email", "firstname", "lastname", "jobtitle", "seniority", "job_function", "company", "website"),
        *_text("phone", "mobilephone", "city", "state", "country", "zip", "industry", "annualrevenue"),
        *_text("numemployees", "hs_language", "hs_timezone", "hs_persona", "message"),
        *_flag("hs_email_optout"),
        _choice("lifecyclestage", STAGES, field_type="radio"),
        _choice("hs_lead_status", LEAD_STATUSES, field_type="radio"),
        _choice("hs_buying_role", BUYING_ROLES, field_type="checkbox"),
        _choice("hubspot_owner_id", {}),
        *_told_by_hubspot(_contacts_told_by_hubspot()),
    ]


def _contacts_told_by_hubspot() -> list[Definition]:
    return [
        *_text("hs_email_domain", "associatedcompanyid", "hs_merged_object_ids", "hs_calculated_merged_vids"),
        *_text("hs_analytics_first_url", "hs_analytics_last_url", "recent_conversion_event_name"),
        *_text("first_conversion_event_name", "hs_additional_emails", "hs_object_source"),
        *_number("hs_analytics_num_page_views", "hs_analytics_num_visits", "num_conversion_events"),
        *_number("hs_analytics_num_event_completions", "num_unique_conversion_events", "hs_email_delivered"),
        *_number("hs_email_open", "hs_email_click", "hs_email_replied", "hs_email_bounce", "hubspotscore"),
        *_number("num_contacted_notes", "num_notes", "num_associated_deals", "total_revenue", "days_to_close"),
        *_number("hs_email_sends_since_last_engagement", "recent_deal_amount"),
        *_instant("hs_analytics_first_visit_timestamp", "hs_analytics_last_visit_timestamp"),
        *_instant("first_conversion_date", "recent_conversion_date", "hs_latest_source_timestamp"),
        *_instant("hs_email_last_send_date", "hs_email_last_open_date", "hs_email_last_click_date"),
        *_instant("hs_email_last_reply_date", "notes_last_contacted", "notes_last_updated"),
        *_instant("notes_next_activity_date", "hs_last_sales_activity_timestamp", "first_deal_created_date"),
        *_instant("hs_sales_email_last_opened", "hs_sales_email_last_clicked", "hs_sales_email_last_replied"),
        *_instant("engagements_last_meeting_booked", "hubspot_owner_assigneddate", "hs_latest_meeting_activity"),
        *_instant("closedate", "recent_deal_close_date", "hs_lastmodifieddate"),
        *_instant(*(f"hs_lifecyclestage_{stage}_date" for stage in STAGES)),
        *_flag("hs_email_bad_address", "hs_email_quarantined", "hs_email_is_ineligible", "hs_was_imported"),
        *_flag("hs_sequences_is_enrolled", "hs_marketable_status"),
        _choice("hs_analytics_source", SOURCES),
        _choice("hs_latest_source", SOURCES),
    ]


def _companies() -> list[Definition]:
    return [
        *_text("name", "domain", "website", "phone", "city", "state", "country", "zip", "description"),
        *_number("numberofemployees", "annualrevenue"),
        _choice("industry", INDUSTRIES),
        _choice("type", _same("PROSPECT", "PARTNER", "RESELLER", "VENDOR", "OTHER")),
        _choice("lifecyclestage", STAGES, field_type="radio"),
        _choice("hs_lead_status", LEAD_STATUSES, field_type="radio"),
        _choice("hubspot_owner_id", {}),
        *_told_by_hubspot(
            [
                *_text("hs_merged_object_ids"),
                *_instant(*(f"hs_lifecyclestage_{stage}_date" for stage in STAGES)),
            ]
        ),
    ]


def _deals() -> list[Definition]:
    stages = {stage.id: stage.label for stage in SALES_PIPELINE.stages}
    return [
        *_text("dealname", "description", "closed_lost_reason", "closed_won_reason"),
        *_number("amount"),
        *_instant("closedate"),
        _choice("pipeline", {SALES_PIPELINE.id: SALES_PIPELINE.label}),
        _choice("dealstage", stages, field_type="radio"),
        _choice("dealtype", {"newbusiness": "New Business", "existingbusiness": "Existing Business"}),
        _choice("hubspot_owner_id", {}),
        *_told_by_hubspot(
            [
                *_flag("hs_is_closed", "hs_is_closed_won"),
                *_number("hs_deal_stage_probability"),
                *_text("hs_merged_object_ids"),
            ]
        ),
    ]


def _calls() -> list[Definition]:
    states = "BUSY CALLING_CRM_USER CANCELED COMPLETED CONNECTING FAILED IN_PROGRESS NO_ANSWER QUEUED RINGING"
    return [
        *_text("hs_call_title", "hs_call_body", "hs_call_from_number", "hs_call_to_number", "hs_activity_type"),
        *_number("hs_call_duration"),
        *_flag("hs_call_has_voicemail"),
        _choice("hs_call_direction", _same("INBOUND", "OUTBOUND")),
        _choice("hs_call_status", _same(*states.split(), "missed")),
        _choice("hs_call_disposition", DISPOSITIONS),
    ]


#: Who or what made an activity, of the many sources HubSpot knows.
ENGAGEMENT_SOURCES = ("CRM_UI", "EMAIL", "SALES", "SEQUENCES", "WORKFLOWS", "AUTOMATION_PLATFORM", "AUTOMATION_JOURNEY",
    "PRIMARY_AUTOMATION", "BOT", "API", "INTEGRATION", "IMPORT")  # fmt: skip


def _emails() -> list[Definition]:
    return [
        *_text("hs_email_subject", "hs_email_text", "hs_email_html", "hs_email_headers"),
        _choice("hs_email_direction", _same("EMAIL", "INCOMING_EMAIL", "FORWARDED_EMAIL")),
        _choice("hs_email_status", _same("BOUNCED", "FAILED", "SCHEDULED", "SENDING", "SENT")),
        *_told_by_hubspot(
            [
                *_text("hs_email_from_email", "hs_email_to_email", "hs_sequence_id"),
                _choice("hs_engagement_source", _same(*ENGAGEMENT_SOURCES)),
            ]
        ),
    ]


def _meetings() -> list[Definition]:
    return [
        *_text("hs_meeting_title", "hs_meeting_body", "hs_internal_meeting_notes", "hs_meeting_location"),
        *_instant("hs_meeting_start_time", "hs_meeting_end_time"),
        _choice("hs_meeting_outcome", _same("SCHEDULED", "COMPLETED", "RESCHEDULED", "NO_SHOW", "CANCELED")),
    ]


def _tasks() -> list[Definition]:
    return [
        *_text("hs_task_subject", "hs_task_body"),
        _choice("hs_task_status", _same("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")),
        _choice("hs_task_priority", _same("NONE", "LOW", "MEDIUM", "HIGH")),
        _choice("hs_task_type", _same("TODO", "CALL", "EMAIL")),
        *_told_by_hubspot(_instant("hs_task_completion_date")),
    ]


def _common(kind: str) -> list[Definition]:
    dates = _told_by_hubspot(_instant(CREATED[kind], MODIFIED[kind]))
    activity = [*_instant("hs_timestamp"), _choice("hubspot_owner_id", {})] if kind in ACTIVITIES else []
    return [*_told_by_hubspot(_number("hs_object_id")), *dates, *activity]


_OWN = {
    "contacts": _contacts,
    "companies": _companies,
    "deals": _deals,
    "calls": _calls,
    "emails": _emails,
    "meetings": _meetings,
    "tasks": _tasks,
}


def definitions() -> dict[str, dict[str, Definition]]:
    """The stock properties of every object, by object and name."""
    return {kind: {one.name: one for one in (*_OWN[kind](), *_common(kind))} for kind in KINDS}


#: What a read returns when it names no properties (the first ones are returned even when it does).
ALWAYS_SHOWN = {kind: ("hs_object_id", CREATED[kind], MODIFIED[kind]) for kind in KINDS}
SHOWN_BY_DEFAULT = {
    "contacts": (*ALWAYS_SHOWN["contacts"], "email", "firstname", "lastname"),
    "companies": (*ALWAYS_SHOWN["companies"], "name", "domain"),
    "deals": (*ALWAYS_SHOWN["deals"], "dealname", "amount", "closedate", "pipeline", "dealstage"),
} | {kind: ALWAYS_SHOWN[kind] for kind in ACTIVITIES}

#: Association numbers, unlabelled and (where there is one) primary, by direction.
_LINK_NUMBERS: dict[tuple[str, str], tuple[int, ...]] = {
    ("contacts", "companies"): (279, 1),
    ("companies", "contacts"): (280, 2),
    ("contacts", "deals"): (4,),
    ("deals", "contacts"): (3,),
    ("deals", "companies"): (341, 5),
    ("companies", "deals"): (342, 6),
    ("contacts", "calls"): (193,),
    ("calls", "contacts"): (194,),
    ("contacts", "emails"): (197,),
    ("emails", "contacts"): (198,),
    ("contacts", "meetings"): (199,),
    ("meetings", "contacts"): (200,),
    ("contacts", "tasks"): (203,),
    ("tasks", "contacts"): (204,),
    ("companies", "calls"): (181,),
    ("calls", "companies"): (182,),
    ("companies", "emails"): (185,),
    ("emails", "companies"): (186,),
    ("companies", "meetings"): (187,),
    ("meetings", "companies"): (188,),
    ("companies", "tasks"): (191,),
    ("tasks", "companies"): (192,),
    ("deals", "calls"): (205,),
    ("calls", "deals"): (206,),
    ("deals", "emails"): (209,),
    ("emails", "deals"): (210,),
    ("deals", "meetings"): (211,),
    ("meetings", "deals"): (212,),
    ("deals", "tasks"): (215,),
    ("tasks", "deals"): (216,),
}


def _link_types(source: str, target: str, numbers: tuple[int, ...]) -> tuple[LinkType, ...]:
    name = f"{SINGULAR[source]}_to_{SINGULAR[target]}"
    if len(numbers) == 1:
        return (LinkType(numbers[0], name),)
    return (LinkType(numbers[0], f"{name}_unlabeled"), LinkType(numbers[1], name, "Primary"))


#: (from, to) -> the unlabelled type and, where there is one, the primary type.
LINK_TYPES = {pair: _link_types(*pair, numbers) for pair, numbers in _LINK_NUMBERS.items()}
