"""Whom we talk to and what we say: companies, personas, the journey, nurture, the buying group, questions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connector.agreement.terms.conditions import Condition


@dataclass(frozen=True, slots=True)
class Band:
    """A class of companies. The first band all of whose conditions hold is the company's."""

    name: str
    label: str
    needs: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """A kind of person inside a customer. The first persona with a matching condition is the person's."""

    name: str
    label: str
    match: tuple[Condition, ...]
    describes: Mapping[str, str] = field(default_factory=dict)  # bio, needs, pains, say ...


@dataclass(frozen=True, slots=True)
class Journey:
    """How dated signals tell where a buyer is; fewer of them than this within the days tell nothing."""

    rule: Literal["highest", "latest"] = "highest"
    within_days: int = 90
    signals_at_least: int = 2


@dataclass(frozen=True, slots=True)
class NurtureTrack:
    """What a marketing tool sends to somebody, under a name that both know."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Stop:
    """What withdraws consent to be nurtured: a field that says so, or a signal that ever happened."""

    name: str
    signal: str | None = None
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Nurture:
    """Who is in which nurture track. What is named nearer to the person's own history goes first: how they came
    back (statuses, lost reasons), then where they are (stages), then who they are (personas), then `otherwise`."""

    tracks: tuple[NurtureTrack, ...] = ()
    otherwise: str | None = None
    stops: tuple[Stop, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    lost_reasons: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    personas: Mapping[str, str] = field(default_factory=dict)
    goes_on: Mapping[str, bool] = field(default_factory=dict)  # stage -> whether; not named: until a hand-off


@dataclass(frozen=True, slots=True)
class Role:
    """A role that a deal needs somebody in; `said_as` are buying roles and labels on the deal that say it, folded."""

    name: str
    said_as: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expiry:
    """An answer that may be asked for again when it was last confirmed too long ago."""

    field: str
    after_days: int
    confirmed_on: str


@dataclass(frozen=True, slots=True)
class Questions:
    """Which question comes first for whom, before the usual order (Agreement.ask_next)."""

    by_persona: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by_lead_type: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expires: tuple[Expiry, ...] = ()


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom we talk to and what we say, beyond scores and stages."""

    journey: Journey | None = None
    nurture: Nurture = Nurture()
    buying_group: tuple[Role, ...] = ()
    questions: Questions = Questions()
