"""
Lead types as tracks: whose track a signal, a deal, an answer or an edit belongs to (domain 3.5).

The base track is the one a person begins with; its lead type is fixed at first sight. Another begins when something
speaks of another type: a signal or a deal that is of no other, or, once the person is a customer, whatever comes after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.agreement.lead_types import agreement_for
from connector.agreement.terms import Agreement, LeadType
from connector.agreement.vocabulary import ANSWERS
from connector.decide.conditions import Test, compile_condition
from connector.decide.facts import Observer
from connector.decide.handoff import Dispatch
from connector.decide.next_change import Foresight
from connector.decide.obstacle import Obstacle
from connector.decide.office import Office
from connector.decide.outputs import Recorder
from connector.decide.path import Path
from connector.decide.tracks import furthest, leading
from connector.decide.walk import ADOPTED_FROM, Stages
from connector.model import ALWAYS, Deal, Edit, Lead, Person, Signal, Track, Value

#: What stands on the record of the hand-off it shows; it says nothing about another track's.
_OF_ONE_TRACK = ("sales_answer", "rejection_reason", "call_back_on", "cycle", "wait_until", "returned_count")

#: What of an earlier life stands on a lead as well.
_BEGINS_WITH = ("current_stage", "cycle", "wait_until", "returned_count")


class Lane:
    """The agreement compiled for one lead type."""

    def __init__(self, agreement: Agreement, lead_type: LeadType, office: Office) -> None:
        own = agreement_for(agreement, lead_type)
        self.lead_type = lead_type
        self.stages = Stages(own.stages)
        self.observer = Observer(own)
        self.dispatch = Dispatch(own, office)
        self.path = Path(own, self.stages, self.observer, self.dispatch)
        self.recorder = Recorder(own, Obstacle(self.stages, self.path.doors))
        self.foresight = Foresight(own)


@dataclass(frozen=True, slots=True)
class Share:
    """What of a person belongs to one lane, and the lane's track as remembered (None: it is to begin). `answer` is what
    sales answered on the record, to whichever track; what is as old as `answered_until` another track answers to."""

    lane: Lane
    person: Person
    track: Track | None
    answer: Value = None
    is_spoken_to: bool = True  # whether the record is of this track's hand-off, or of the last one it had
    answered_until: datetime | None = None
    leads: tuple[Lead, ...] = ()  # the open ones that are of this track


@dataclass(slots=True)
class _Sorted:
    """A person's deals and signals by lead type, and since when the person is a customer."""

    base: str
    customer_since: datetime | None
    first_won: Deal | None
    bought_by: str | None  # the cause that made the base track a customer, as remembered
    deals: dict[str, list[Deal]]
    signals: dict[str, list[Signal]]
    leads: dict[str, list[Lead]]

    @property
    def begun(self) -> set[str]:
        """The lead types that something of this person speaks of; what became of a closed lead is no interest."""
        opened = {name for name, leads in self.leads.items() if any(each.is_open for each in leads)}
        return {*self.deals, *self.signals, *opened}


class Sorter:
    """Gives each lane its share of a person."""

    def __init__(self, agreement: Agreement, office: Office) -> None:
        self.lanes: Mapping[str, Lane] = {each.name: Lane(agreement, each, office) for each in agreement.lead_types}
        lanes = self.lanes.values()
        self._default = agreement.lead_type
        self._when: tuple[tuple[str, Test], ...] = tuple(
            (lane.lead_type.name, compile_condition(lane.lead_type.when)) for lane in lanes if lane.lead_type.when
        )
        self._speaks_of = {signal: lane.lead_type.name for lane in lanes for signal in lane.lead_type.signals}
        self._of_customers = next((lane.lead_type.name for lane in lanes if lane.lead_type.from_customers), None)
        self._stages = self.lanes[self._default].stages
        won = self._stages.by_deal.get("won")
        self._customer = won.name if won else None

    def shares(self, person: Person, tracks: Sequence[Track], as_of: datetime) -> list[Share]:
        """The base lane's share, then those of other lanes that have a track, or something to begin one with."""
        base = self._base(person, tracks)
        if self._is_alone(person, tracks, base):
            own = _with_word_of(person.leads, person, begins=not tracks) if person.leads else person
            answer, leads = own.fields.get("sales_answer"), tuple([each for each in person.leads if each.is_open])
            return [Share(self.lanes[base], own, tracks[0] if tracks else None, answer, leads=leads)]
        sorted_ = self._sort(person, tracks, base, as_of)
        known = {track.lead_type: track for track in tracks}
        spoken_to = leading(tracks, self._stages.level).lead_type if tracks else self._restored(person, base)
        shown = furthest(tracks, self._stages.level).lead_type if tracks else base
        begun = {base, spoken_to, *known, *sorted_.begun}
        shares = [
            self._share(person, name, known.get(name), sorted_, is_spoken_to=name == spoken_to, is_shown=name == shown)
            for name in (base, *(each for each in self.lanes if each in begun and each != base))
        ]
        until = self._answered_until(tracks)
        return [replace(each, answered_until=until) if self._is_of_customers(each) else each for each in shares]

    def _is_of_customers(self, share: Share) -> bool:
        return share.lane.lead_type.name == self._of_customers

    def _answered_until(self, tracks: Sequence[Track]) -> datetime | None:
        """Until when the first track answered to whatever the person did: until it was a customer's. A deal that is
        dated back makes no second hand-off of what was handed over before anybody knew of it."""
        return tracks[0].evaluated_at if tracks and tracks[0].stage != self._customer else None

    def level(self, track: Track) -> int:
        """How far a track is, whatever its type."""
        return self._stages.level(track.stage)

    # -- whose is it -------------------------------------------------------------------------------------------------

    def _base(self, person: Person, tracks: Sequence[Track]) -> str:
        """The lead type a person begins with: what a field says, or the deal they are in, or the default."""
        if tracks:
            return tracks[0].lead_type if tracks[0].lead_type in self.lanes else self._default
        for name, holds in self._when:
            if holds(person.fields):
                return name
        typed = {deal.lead_type for deal in person.deals if deal.counted and deal.state != "lost"}
        only = (typed.pop() if len(typed) == 1 else None) or self._default
        return only if only in self.lanes and only != self._of_customers else self._default

    def _restored(self, person: Person, base: str) -> str:
        """Whose hand-off the record of a person shows whom a lost ledger has forgotten."""
        said = person.fields.get("lead_type")
        return said if isinstance(said, str) and said in self.lanes and person.fields.get("cycle") else base

    def _is_alone(self, person: Person, tracks: Sequence[Track], base: str) -> bool:
        """Whether nothing about this person can belong to another lane: so it is with most, and it is asked first."""
        if len(self.lanes) == 1:
            return True
        if len(tracks) > 1 or (not tracks and self._restored(person, base) != base):
            return False
        if person.deals or (tracks and tracks[0].stage == self._customer) or person.stage == self._customer:
            return False
        if any(each.is_open and self._named_by(each) not in (None, base) for each in person.leads):
            return False
        return not self._speaks_of or all(self._speaks_of.get(each.kind, base) == base for each in person.signals)

    def _sort(self, person: Person, tracks: Sequence[Track], base: str, as_of: datetime) -> _Sorted:
        won = [deal for deal in person.deals if deal.counted and deal.state == "won" and self._may_be_first(deal, base)]
        first = min(won, key=lambda deal: (deal.closed_at or as_of, deal.id), default=None)
        since = self._customer_since(person, tracks, first, as_of)
        bought_by = tracks[0].cause if tracks and tracks[0].stage == self._customer else None
        sorted_ = _Sorted(base, since, first, bought_by, {}, {}, {})
        for deal in person.deals:
            sorted_.deals.setdefault(self._type_of_deal(deal, sorted_), []).append(deal)
        for signal in person.signals:
            sorted_.signals.setdefault(self._type_of_signal(signal, sorted_), []).append(signal)
        for lead in person.leads:
            sorted_.leads.setdefault(self._type_of_lead(lead, sorted_), []).append(lead)
        return sorted_

    def _may_be_first(self, deal: Deal, base: str) -> bool:
        return deal.lead_type in (None, base, self._of_customers) or deal.lead_type not in self.lanes

    def _customer_since(
        self, person: Person, tracks: Sequence[Track], first: Deal | None, as_of: datetime
    ) -> datetime | None:
        """Since when; the beginning of time for a customer nobody knows a date of, None for who is none."""
        won_at = (first.closed_at or as_of) if first else None
        stage, entered = (tracks[0].stage, tracks[0].entered) if tracks else (person.stage, person.entered)
        # A track that began without a date (of somebody new) has that of the CRM, as at the first look.
        entered_at = entered.get(self._customer or "") or person.entered.get(self._customer or "")
        edit = person.edits.get("stage")
        if edit is not None and edit.by in ADOPTED_FROM and self._is_of_base(tracks):
            stage, entered_at = edit.after if isinstance(edit.after, str) else None, edit.at or as_of
        if self._customer is None or stage != self._customer:
            return won_at
        return min((at for at in (won_at, entered_at) if at), default=ALWAYS)

    def _is_of_base(self, tracks: Sequence[Track]) -> bool:
        """Whether what people do to the stage on the record is done to the base track: it is the one shown."""
        return not tracks or furthest(tracks, self._stages.level) is tracks[0]

    def _type_of_deal(self, deal: Deal, sorted_: _Sorted) -> str:
        if sorted_.first_won is deal and self._made_the_customer(deal, sorted_):
            return sorted_.base
        named = deal.lead_type
        if named in self.lanes and named is not None and (named != self._of_customers or sorted_.customer_since):
            return named
        since, at = sorted_.customer_since, deal.opened_at or deal.closed_at
        return self._of_customers if self._of_customers and since and at and at > since else sorted_.base

    def _made_the_customer(self, deal: Deal, sorted_: _Sorted) -> bool:
        """Whether the first deal that was won is the one the person became a customer by: it was open by then, or is
        what moved the track. Close dates are typed by people, and may lie ahead."""
        since = sorted_.customer_since
        at = min((each for each in (deal.opened_at, deal.closed_at) if each), default=None)
        return sorted_.bought_by == f"deal:{deal.id}" or at is None or since is None or at <= since

    def _type_of_signal(self, signal: Signal, sorted_: _Sorted) -> str:
        named = self._speaks_of.get(signal.kind)
        if named is not None:
            return named
        since = sorted_.customer_since
        return self._of_customers if self._of_customers and since and signal.at > since else sorted_.base

    def _named_by(self, lead: Lead) -> str | None:
        return lead.lead_type if lead.lead_type in self.lanes else None

    def _type_of_lead(self, lead: Lead, sorted_: _Sorted) -> str:
        """What it says, or else as of a deal: a customer's, if it was made since the person is one."""
        named, since = self._named_by(lead), sorted_.customer_since
        if named is not None and (named != self._of_customers or since):
            return named
        at = lead.opened_at
        return self._of_customers if self._of_customers and since and at and at > since else sorted_.base

    # -- what each lane sees -----------------------------------------------------------------------------------------

    def _share(
        self,
        person: Person,
        name: str,
        track: Track | None,
        sorted_: _Sorted,
        *,
        is_spoken_to: bool,
        is_shown: bool,
    ) -> Share:
        deals, signals = sorted_.deals.get(name, []), sorted_.signals.get(name, [])
        if name == self._of_customers and track is not None:
            track = self._anew(track, deals, signals)
            deals = [deal for deal in deals if not _is_behind(deal, track)]
        hidden = () if is_spoken_to else _OF_ONE_TRACK
        apart = {*(() if is_shown else ("stage",)), *(() if is_spoken_to else ("status", "sales_answer"))}
        own = replace(
            person,
            fields={field: value for field, value in person.fields.items() if field not in hidden},
            stage=person.stage if is_shown or name == sorted_.base else None,
            status=person.status if is_spoken_to else None,
            deals=tuple(deals),
            signals=tuple(signals),
            edits={field: edit for field, edit in person.edits.items() if field not in apart},
            entered=person.entered if name == sorted_.base else {},
        )
        answer, leads = person.fields.get("sales_answer"), sorted_.leads.get(name, [])
        if leads:
            own = _with_word_of(leads, own, begins=track is None)
            # What was said on a lead was said of its track, whichever track the person's own record speaks of.
            is_spoken_to = is_spoken_to or "sales_answer" in own.edits
        return Share(
            self.lanes[name], own, track, answer, is_spoken_to, leads=tuple([each for each in leads if each.is_open])
        )

    def _anew(self, track: Track, deals: Sequence[Deal], signals: Sequence[Signal]) -> Track:
        """A customer bought again, and comes with the next interest: the track begins once more."""
        since = track.entered.get(self._customer or "")
        if track.stage != self._customer or since is None:
            return track
        newer = any(each.at > since for each in signals) or any((each.opened_at or ALWAYS) > since for each in deals)
        if not newer:
            return track
        return replace(track, stage=None, status=None, handed_over=False, left_at=since, wait_until=None, cause=None)


def _with_word_of(leads: Sequence[Lead], own: Person, *, begins: bool) -> Person:
    """The person as their track sees them, with what others said on the track's leads: of several the newest word
    counts. A track that `begins` does so where its newest open lead stands, as far as the record shows nothing."""
    edits, fields = dict(own.edits), dict(own.fields)
    for lead in leads:
        for name, edit in lead.edits.items():
            if _is_newer(edit, edits.get(name)):
                edits[name] = edit
                if name == "sales_answer":
                    fields = {each: value for each, value in fields.items() if each not in ANSWERS}
                    fields |= {each: lead.fields[each] for each in ANSWERS if each in lead.fields}
    opened = [each for each in leads if each.is_open]
    if not begins or not opened:
        return replace(own, edits=edits, fields=fields)
    newest = max(opened, key=lambda lead: (lead.opened_at or ALWAYS, lead.id))
    begun = {name: newest.fields[name] for name in _BEGINS_WITH if name in newest.fields}
    stage, status = own.stage or newest.stage, own.status or newest.status
    return replace(own, edits=edits, fields={**begun, **fields}, stage=stage, status=status)


def _is_newer(edit: Edit, known: Edit | None) -> bool:
    """What a person set goes before what software did, then the newer."""
    if known is None:
        return True
    ranks = [(each.by in ADOPTED_FROM, each.at or ALWAYS) for each in (edit, known)]
    return ranks[0] > ranks[1]


def _is_behind(deal: Deal, track: Track) -> bool:
    """A deal that was won before the track began once more."""
    left = track.left_at
    return deal.state == "won" and left is not None and deal.closed_at is not None and deal.closed_at <= left
