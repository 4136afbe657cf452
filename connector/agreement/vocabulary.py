"""
The fields the agreement may speak of without declaring them, with their types.

A field that is not named here is declared where it is mapped: `{ property = "total_visits", type = "number" }`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from connector.agreement.wiring import FieldType

PERSON: dict[str, FieldType] = {
    "email": "text",
    "first_name": "text",
    "last_name": "text",
    "phone": "text",
    "job_title": "text",
    "seniority": "text",
    "buying_role": "list",
    "country": "text",
    "city": "text",
    "website": "text",
    "language": "text",
    "company_name": "text",
    "company_domain": "text",
    "company_size": "number",
    "industry": "text",
    "revenue": "number",
    "source_first": "text",
    "source_latest": "text",
    "consent_state": "text",
    "stage": "text",
    "status": "text",
    "owner_id": "text",
    "sales_answer": "text",
    "rejection_reason": "text",
    "call_back_on": "datetime",
    "hold_until": "datetime",
    "hold_reason": "text",
    "declined_questions": "list",
}

ACTIVITY: dict[str, FieldType] = {
    "at": "datetime",
    "direction": "text",
    "outcome": "text",
    "status": "text",
    "duration_ms": "number",
    "duration_s": "number",
    "owner_id": "text",
    "actor": "text",
    "sequence": "text",
    "subject": "text",
    "body": "text",
    "started_at": "datetime",
    "ended_at": "datetime",
}

DEAL: dict[str, FieldType] = {
    "name": "text",
    "deal_stage": "text",
    "pipeline": "text",
    "amount": "number",
    "opened_at": "datetime",
    "closed_at": "datetime",
    "lost_reason": "text",
    "lead_type": "text",
    "owner_id": "text",
    "is_won": "bool",
    "is_closed": "bool",
}

#: Fields worked out from others, which rules may use like any other: derived field -> what it needs.
DERIVED: dict[str, tuple[str, ...]] = {"email_domain": ("email",), "persona": ("job_title",), "icp_band": ()}

#: What people say to the connector on the record itself.
_PEOPLES = ("sales_answer", "rejection_reason", "call_back_on", "hold_until", "hold_reason", "declined_questions")

#: Fields that no rule names and that every decision needs where they are mapped.
ALWAYS: dict[str, tuple[str, ...]] = {
    "contact": ("stage", "status", "owner_id", "source_first", *_PEOPLES),
    "deal": tuple(DEAL),
    "call": tuple(ACTIVITY),
    "email": tuple(ACTIVITY),
    "meeting": tuple(ACTIVITY),
    "task": tuple(ACTIVITY),
    "lead": ("stage", "status", "lead_type", "sales_answer", "rejection_reason", "call_back_on"),
}

OwnType = Literal["string", "number", "bool", "date", "datetime", "enumeration"]


@dataclass(frozen=True, slots=True)
class Output:
    """A field that a decision sets, or people do: its type in our words, how an own property for it is created."""

    type: FieldType
    own: OwnType
    label: str
    group: Literal["route", "score", "stamp"]
    description: str = ""


#: Sales answers a hand-off in these. People fill them; the connector reads them, and blanks them at a new hand-off.
ANSWERS: dict[str, Output] = {
    "sales_answer": Output("text", "enumeration", "Sales answer", "route", "What sales says to the hand-off"),
    "rejection_reason": Output("text", "enumeration", "Rejection reason", "route", "Why the person comes back"),
    "call_back_on": Output("datetime", "date", "Call back on", "route", "Handed over again on this day"),
}

#: People hold a record with these: no stage, status or task is touched until the day is over. Never written.
HOLDS: dict[str, Output] = {
    "hold_until": Output(
        "datetime", "date", "Hold until", "route", "Stage, status and tasks are left alone until then"
    ),
    "hold_reason": Output("text", "string", "Hold reason", "route"),
}

OUTPUTS: dict[str, Output] = {
    "stage": Output("text", "enumeration", "Lifecycle stage", "route", "Furthest lifecycle stage"),
    "status": Output("text", "enumeration", "Lead status", "route"),
    "current_stage": Output("text", "enumeration", "Current stage", "route", "Where the person is now; may go back"),
    "furthest_stage": Output("text", "enumeration", "Furthest stage", "route", "The furthest stage ever reached"),
    "stage_reason": Output("text", "string", "Why this stage", "route", "What moved the person, or what is missing"),
    "fit_score": Output("number", "number", "Fit score", "score", "0 to 100: how well person and company fit"),
    "engagement_score": Output("number", "number", "Engagement score", "score", "0 to 100: how interested they are"),
    "combined_score": Output("number", "number", "Combined score", "score", "Fit and engagement together"),
    "grade": Output("text", "string", "Score grade", "score", "Letter for fit, number for engagement"),
    "score_reasons": Output("text", "string", "Why this score", "score", "What gave the points"),
    "persona": Output("text", "enumeration", "Persona", "score"),
    "icp_band": Output("text", "enumeration", "ICP band", "score", "How close the company is to the ideal customer"),
    "missing_information": Output("text", "string", "Missing information", "score", "Fields that rules ask for"),
    "ask_next": Output("text", "enumeration", "Ask next", "score", "The most useful question to ask next"),
    "ask_next_2": Output("text", "enumeration", "Ask next, second", "score", "The question after that"),
    "ask_next_3": Output("text", "enumeration", "Ask next, third", "score", "And the one after that"),
    "journey_stage": Output("text", "enumeration", "Buyer's journey", "score", "Where the buyer is, by recent signals"),
    "nurture_track": Output("text", "enumeration", "Nurture track", "route", "What marketing sends; blank: nothing"),
    "buying_group_missing": Output(
        "text", "string", "Missing on the deal", "score", "Roles that nobody on the open deal has"
    ),
    "not_mql_reason": Output(
        "text", "enumeration", "Why not qualified", "route", "What is in the way of the next step"
    ),
    "exclusion_reason": Output("text", "string", "Excluded because", "score"),
    "attempts": Output("number", "number", "Connect attempts", "route", "Counted since the last hand-off"),
    "first_attempt_at": Output("datetime", "datetime", "First attempt", "route"),
    "sla_due": Output("datetime", "datetime", "Follow-up due", "route", "When the clock that runs now is over"),
    "sla_state": Output("text", "enumeration", "Follow-up state", "route"),
    "cycle": Output("number", "number", "Hand-offs", "route", "How often the person was handed to sales"),
    "wait_until": Output("datetime", "datetime", "Wait until", "route", "Not handed over again before"),
    "returned_count": Output("number", "number", "Times returned", "route"),
    "latest_deal_stage": Output("text", "enumeration", "Latest deal stage", "score"),
    "lead_type": Output("text", "enumeration", "Lead type", "route"),
    "agreement_version": Output("text", "string", "Agreement version", "stamp"),
    "scored_at": Output("datetime", "datetime", "Scored at", "stamp"),
    **ANSWERS,
}

#: The outputs that belong to a track: they stand on the leads of its type as well, where the CRM keeps such.
OF_TRACK = (
    "stage",
    "status",
    "current_stage",
    "furthest_stage",
    "stage_reason",
    "not_mql_reason",
    "lead_type",
    "cycle",
    "wait_until",
    "returned_count",
    "attempts",
    "first_attempt_at",
    "sla_due",
    "sla_state",
    *ANSWERS,
    "agreement_version",
    "scored_at",
)

#: The outputs that name a question, the first one first.
ASK_NEXT = ("ask_next", "ask_next_2", "ask_next_3")

#: What the hand-off task may say of a persona, in the words of personas.toml.
FROM_PERSONA = ("say", "pains", "needs")

#: The buyer's journey, from its beginning.
JOURNEY_STAGES = ("awareness", "consideration", "decision")

#: What keeps somebody from the first stage that a score decides (as shipped: MQL).
NOT_MQL_REASONS = (
    "excluded",
    "disqualified",
    "waiting",
    "below_threshold",
    "missing_information",
    "nothing_new",
    "another_rule",
)

SLA_STATES = ("no_owner", "running", "met", "late", "paused", "not_measurable")

#: Output fields that are read back: they restore a track when the ledger is lost (DESIGN section 6).
RESTORED = ("current_stage", "cycle", "wait_until", "returned_count", "lead_type")


def known_type(kind: str, field: str) -> FieldType | None:
    """The type of a field everybody knows, None where it must be declared."""
    if kind == "lead":
        return OUTPUTS[field].type if field in OF_TRACK else None
    if kind in ("contact", "company"):
        output = OUTPUTS.get(field)
        return PERSON.get(field) or (output.type if output else None)
    return (DEAL if kind == "deal" else ACTIVITY).get(field)


def asked_for(name: str) -> tuple[str, ...]:
    """What a person can be asked for: of a field that is worked out, what it is worked out from."""
    return DERIVED.get(name, (name,))
