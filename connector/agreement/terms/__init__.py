"""
What marketing and sales agreed, as frozen plain data: the terms that `connector.decide` compiles and follows.

Loaded and checked by `connector.agreement.load`; nothing here reads files or knows a CRM. Where the order of a
tuple means something (stages, personas, ICP bands, fast tracks, exclusions, deal stages) it is the order in the
file.

    conditions.py   questions about fields
    scoring.py      points, groups, fading, signals
    audience.py     companies, personas, journey, nurture, buying group, questions
    lifecycle.py    stages and what moves people between them, deals, lead types
    follow_up.py    attempts, calendars, SLA classes
    paper.py        goals, texts, glossary
    whole.py        the agreement that holds them all
"""

from __future__ import annotations

from connector.agreement.terms.audience import (
    Audience,
    Band,
    Expiry,
    Journey,
    Nurture,
    NurtureTrack,
    Persona,
    Questions,
    Role,
    Stop,
)
from connector.agreement.terms.conditions import Condition, Operator, Plain
from connector.agreement.terms.follow_up import Attempts, Cadence, Calendar, Sla, Touch
from connector.agreement.terms.lifecycle import (
    Answer,
    Backward,
    DealRules,
    DealStage,
    Entry,
    Evidence,
    Exclusion,
    FastTrack,
    LeadType,
    Leaving,
    LostReason,
    Reason,
    Stage,
    Status,
)
from connector.agreement.terms.paper import Correction, Goal, Paper, Texts
from connector.agreement.terms.scoring import Bots, Fading, Group, Inactivity, Rule, Scoring, SignalKind, Strength
from connector.agreement.terms.whole import Agreement

__all__ = [
    "Agreement",
    "Answer",
    "Attempts",
    "Audience",
    "Backward",
    "Band",
    "Bots",
    "Cadence",
    "Calendar",
    "Condition",
    "Correction",
    "DealRules",
    "DealStage",
    "Entry",
    "Evidence",
    "Exclusion",
    "Expiry",
    "Fading",
    "FastTrack",
    "Goal",
    "Group",
    "Inactivity",
    "Journey",
    "LeadType",
    "Leaving",
    "LostReason",
    "Nurture",
    "NurtureTrack",
    "Operator",
    "Paper",
    "Persona",
    "Plain",
    "Questions",
    "Reason",
    "Role",
    "Rule",
    "Scoring",
    "SignalKind",
    "Sla",
    "Stage",
    "Status",
    "Stop",
    "Strength",
    "Texts",
    "Touch",
]
