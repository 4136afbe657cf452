"""The agreement as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from connector.agreement.terms.audience import Audience, Band, Persona
from connector.agreement.terms.follow_up import Attempts, Calendar, Sla
from connector.agreement.terms.lifecycle import (
    Answer,
    Backward,
    DealRules,
    Evidence,
    Exclusion,
    FastTrack,
    LeadType,
    Reason,
    Stage,
    Status,
)
from connector.agreement.terms.paper import Paper, Texts
from connector.agreement.terms.scoring import Bots, Scoring, SignalKind
from connector.agreement.wiring import Wiring, WriteBack


@dataclass(frozen=True, slots=True)
class Agreement:
    """One folder of mapping files, checked: everything a decision needs, and the wiring to one CRM.

    `fingerprint` is of the meaning of the definitions: comments, dates, signatures and texts do not change it;
    the wiring has its own. `fields_used` names, per kind of record, our fields that a rule, an output or a
    signal needs, which is all that is asked of the CRM.
    """

    version: str
    zone: ZoneInfo
    language: str
    apply_to: Literal["new_facts", "everyone"]
    scoring: Scoring
    stages: tuple[Stage, ...]
    statuses: Mapping[str, Status]
    signals: Mapping[str, SignalKind]
    bots: Bots
    personas: tuple[Persona, ...]
    bands: tuple[Band, ...]
    minimum_information: Mapping[str, tuple[tuple[str, ...], ...]]  # all of: any of
    ask_next: tuple[str, ...]
    fast_tracks: tuple[FastTrack, ...]
    exclusions: tuple[Exclusion, ...]
    evidence: tuple[Evidence, ...]
    answers: Mapping[str, Answer]
    rejection_reasons: tuple[Reason, ...]
    lead_types: tuple[LeadType, ...]
    deals: DealRules
    backwards: tuple[Backward, ...]
    attempts: Attempts
    calendar: Calendar
    slas: Mapping[str, Sla]
    texts: Texts
    paper: Paper
    wiring: Wiring
    write_back: WriteBack
    audience: Audience = Audience()  # noqa: RUF009 - frozen as all terms are
    fingerprint: str = ""
    fields_used: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)  # beside the one everybody keeps

    @property
    def lead_type(self) -> str:
        """The lead type of a track that nothing else tells."""
        return next((each.name for each in self.lead_types if each.default), self.lead_types[0].name)
