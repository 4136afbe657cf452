"""
Facts of a contact and of everything around it as the person that rules are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.agreement.wiring import SignalSource, Wiring
from connector.fields.columns import CLOSED, Facts
from connector.fields.values import instant
from connector.model import Activity, Deal, Edit, Lead, Occurrence, Person, Signal, Value


@dataclass(frozen=True, slots=True)
class Linked:
    """A record around a contact: its facts, the labels of the link, and the run that first saw either."""

    id: str
    facts: Facts
    labels: tuple[str, ...] = ()
    seen: int = 0


class People:
    """Puts people together as one mapping means it; `deal_states` tells open, won, lost per (pipeline, deal stage)."""

    def __init__(self, wiring: Wiring, deal_states: Mapping[tuple[str, str], str]) -> None:
        self._wiring, self._deal_states = wiring, deal_states
        self._only_pipeline = _only_pipeline(wiring)
        self._instants = _fields_of_type(wiring, "datetime")
        self._lists = _fields_of_type(wiring, "list")
        self._by_source: dict[str, list[SignalSource]] = {}
        for source in wiring.signals:
            self._by_source.setdefault(source.source, []).append(source)

    def person(
        self,
        contact: Linked,
        *,
        created_at: datetime | None,
        company: Linked | None,
        deals: Sequence[Linked],
        activities: Sequence[tuple[str, Linked]],
        occurrences: Sequence[Occurrence],
        edits: Mapping[str, Edit],
        leads: Sequence[tuple[Linked, datetime | None, Mapping[str, Edit]]] = (),
    ) -> Person:
        """Put one person together from facts; `activities` come as (kind, linked), `leads` with the time each was made
        and what others changed of it."""
        fields = self.fields_of(contact.facts, company.facts if company else None)
        done = [self._activity(kind, one) for kind, one in activities]
        owner = fields.get("owner_id")
        return Person(
            id=contact.id,
            fields=fields,
            stage=contact.facts["f"].get("stage"),
            status=contact.facts["f"].get("status"),
            owner_id=owner if isinstance(owner, str) else None,
            created_at=created_at,
            company_id=company.id if company else None,
            deals=tuple(self._deal(one) for one in deals),
            signals=self._signals(activities, done, occurrences),
            activities=tuple(activity for activity in done if activity is not None),
            unmapped=contact.facts.get("u", {}),
            edits=edits,
            entered={stage: at for stage, raw in contact.facts.get("e", {}).items() if (at := instant(raw))},
            leads=tuple([self._lead(*one) for one in leads]) if leads else (),
            closed=bool(contact.facts.get(CLOSED)),
            form=contact.facts.get("t", ""),
        )

    def _lead(self, linked: Linked, opened_at: datetime | None, edits: Mapping[str, Edit]) -> Lead:
        facts = linked.facts
        fields = self._as_values("lead", facts["f"])
        return Lead(linked.id, not facts.get(CLOSED), fields, opened_at, facts.get("u", {}), edits)

    def fields_of(self, contact: Facts, company: Facts | None) -> dict[str, Value]:
        """The fields of a contact and of its company, whose known values win."""
        fields = self._as_values("contact", contact["f"])
        if company is not None:
            fields.update(self._as_values("company", company["f"]))
        return fields

    def _as_values(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Value]:
        """Facts are JSON, which knows neither instants nor tuples."""
        ready: dict[str, Value] = dict(fields)
        for field in self._instants.get(kind, ()):
            if field in ready:
                ready[field] = instant(fields[field])
        for field in self._lists.get(kind, ()):
            if field in ready:
                ready[field] = tuple(fields[field])
        return ready

    def _deal(self, linked: Linked) -> Deal:
        fields = linked.facts["f"]
        pipeline, stage = fields.get("pipeline", self._only_pipeline), fields.get("deal_stage", "")
        ours = self._wiring.deal_stages.get((pipeline, stage))
        state = ours if ours in ("won", "lost", "on_hold") else _ending(fields)
        return Deal(
            id=linked.id,
            state=state or self._deal_states.get((pipeline, stage)) or "open",
            deal_stage=ours,
            pipeline=pipeline or None,
            counted=not self._wiring.pipelines or pipeline in self._wiring.pipelines,
            amount=fields.get("amount"),
            opened_at=instant(fields.get("opened_at")),
            closed_at=instant(fields.get("closed_at")),
            lost_reason=fields.get("lost_reason"),
            lead_type=fields.get("lead_type") or self._wiring.lead_types.get(pipeline),
            labels=linked.labels,
        )

    def _activity(self, kind: str, linked: Linked) -> Activity | None:
        """None for one without a time: it cannot be placed, so it cannot count."""
        fields = linked.facts["f"]
        at = instant(fields.get("at"))
        if at is None:
            return None
        duration = fields.get("duration_ms")
        return Activity(
            id=linked.id,
            kind=kind,
            at=at,
            direction=fields.get("direction"),
            outcome=fields.get("outcome"),
            actor="automation" if fields.get("actor") == "automation" else "rep",
            owner_id=fields.get("owner_id"),
            duration_s=None if duration is None else duration / 1000,
            sequence=fields.get("sequence"),
        )

    def _signals(
        self,
        activities: Sequence[tuple[str, Linked]],
        done: Sequence[Activity | None],
        occurrences: Sequence[Occurrence],
    ) -> tuple[Signal, ...]:
        found = [
            Signal(f"{kind}:{linked.id}", source.signal, activity.at, linked.seen)
            for (kind, linked), activity in zip(activities, done, strict=True)
            if activity is not None
            for source in self._by_source.get(kind, ())
            if _recognised(source, activity)
        ]
        found += [
            Signal(f"{one.source}:{one.id}", source.signal, one.at, one.seen, _asset(one, source))
            for one in occurrences
            for source in self._by_source.get(one.source, ())
        ]
        return tuple(sorted(found, key=lambda signal: (signal.at, signal.id, signal.kind)))


def _fields_of_type(wiring: Wiring, type_: str) -> dict[str, tuple[str, ...]]:
    """Kind of record -> its fields of a type."""
    return {
        kind: tuple(field for field, spec in specs.items() if spec.type == type_)
        for kind, specs in wiring.fields.items()
    }


def _asset(one: Occurrence, source: SignalSource) -> str:
    """What a signal was about: the page where the CRM tells it, else the list, form or property it was seen in."""
    page = one.details.get("asset")
    return page if isinstance(page, str) and page else source.key


def _recognised(source: SignalSource, activity: Activity) -> bool:
    if source.direction is not None and activity.direction != source.direction:
        return False
    return not source.outcomes or activity.outcome in source.outcomes


def _ending(fields: Mapping[str, Any]) -> str | None:
    """What a deal says itself of how it ended, whatever stage it was left in; None while it goes on."""
    if fields.get("is_won"):
        return "won"
    return "lost" if fields.get("is_closed") else None


def _only_pipeline(wiring: Wiring) -> str:
    """Where deals have no pipelines, the property that holds their stage is as good as one."""
    specs = wiring.fields.get("deal", {})
    return specs["deal_stage"].property if "deal_stage" in specs and "pipeline" not in specs else ""
