"""
What to ask somebody next, so that a form, a workflow or a rep asks one thing at a time (progressive profiling).

First what the nearest stage ahead requires, then the order agreed for the persona, the lead type, and everybody.
What is known is not asked again, unless the agreement lets the answer expire and says where it is confirmed; what a
person declined to tell is not asked at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.agreement.terms import Agreement, Expiry
from connector.agreement.vocabulary import asked_for
from connector.decide.facts import Traits
from connector.decide.walk import Walk

_REMEMBERED = 16_384


class Asking:
    """The agreement's questions, compiled."""

    def __init__(self, agreement: Agreement) -> None:
        minimum = agreement.minimum_information
        self._needs = [
            (stage.name, needs)
            for stage in agreement.stages
            if stage.used and not stage.side and stage.enter
            if (needs := minimum.get(stage.enter.minimum_information or ""))
        ]
        self._usual = agreement.ask_next
        self._questions = agreement.audience.questions
        self._orders: dict[tuple[str, str], tuple[str, ...]] = {}
        self._unknown: dict[tuple[Traits, str | None, str], tuple[str, ...]] = {}

    def questions(self, walk: Walk) -> list[str]:
        """The fields to ask for, the most useful one first."""
        unknown: Sequence[str] = self._nobody_knows(walk)
        if self._questions.expires:
            unknown = [*unknown, *[each.field for each in self._questions.expires if _is_stale(each, walk)]]
        declined = walk.facts.values.get("declined_questions")
        return [name for name in unknown if not isinstance(declined, tuple) or name not in declined]

    def _nobody_knows(self, walk: Walk) -> tuple[str, ...]:
        """What is unknown and worth asking: the same for everybody with these traits in this stage."""
        key = (walk.facts.traits, walk.track.stage, walk.track.lead_type)
        found = self._unknown.get(key)
        if found is None:
            if len(self._unknown) >= _REMEMBERED:
                self._unknown.clear()
            values, required, order = walk.facts.values, self._required(walk), self._order(walk)
            names = (*[name for name in order if name in required], *required, *order) if required else order
            found = tuple(name for name in dict.fromkeys(names) if values.get(name) is None)
            self._unknown[key] = found
        return found

    def next_at(self, walk: Walk) -> datetime | None:
        """When the next known answer grows too old, so that it is asked for again."""
        if not self._questions.expires:
            return None
        instants = (_stale_from(each, walk) for each in self._questions.expires if _is_known(each, walk))
        return min((at for at in instants if at and at > walk.as_of), default=None)

    def _required(self, walk: Walk) -> tuple[str, ...]:
        """What the nearest stage ahead that lacks information asks for; of several that would do, each."""
        values, stages = walk.facts.values, walk.stages
        level = stages.level(walk.track.stage)
        for stage, needs in self._needs:
            if stages.ranks[stage] > level:
                lacking = [need for need in needs if [*map(values.get, need)].count(None) == len(need)]
                if lacking:
                    return tuple(field for need in lacking for name in need for field in asked_for(name))
        return ()

    def _order(self, walk: Walk) -> tuple[str, ...]:
        persona = walk.facts.persona
        key = (persona.name if persona else "", walk.track.lead_type)
        if key not in self._orders:
            questions = self._questions
            names = (*questions.by_persona.get(key[0], ()), *questions.by_lead_type.get(key[1], ()), *self._usual)
            self._orders[key] = tuple(dict.fromkeys(field for name in names for field in asked_for(name)))
        return self._orders[key]


def _is_known(expiry: Expiry, walk: Walk) -> bool:
    return walk.facts.values.get(expiry.field) is not None


def _stale_from(expiry: Expiry, walk: Walk) -> datetime | None:
    """From when on an answer may be asked for again; never where nobody wrote down when it was confirmed."""
    confirmed = walk.facts.values.get(expiry.confirmed_on)
    return confirmed + timedelta(days=expiry.after_days + 1) if isinstance(confirmed, datetime) else None


def _is_stale(expiry: Expiry, walk: Walk) -> bool:
    at = _stale_from(expiry, walk)
    return at is not None and at <= walk.as_of and _is_known(expiry, walk)
